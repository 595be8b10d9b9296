# linksla as an image: built with the locked versions, run by a user without rights.
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/linksla
ENV PATH=/opt/linksla/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Dependencies first: they change less often than the code, so this layer is mostly cached.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > dependencies.txt \
    && pip install -c constraints.txt -r dependencies.txt

COPY . .
RUN python -m dashboards.build_static \
    && pip install -c constraints.txt --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home --home-dir /var/lib/linksla --shell /usr/sbin/nologin linksla \
    && install -d -o linksla -g linksla -m 0700 /var/lib/linksla /var/cache/linksla
COPY --from=build /opt/linksla /opt/linksla
ENV PATH=/opt/linksla/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    NUMBA_CACHE_DIR=/var/cache/linksla
USER linksla
WORKDIR /var/lib/linksla
# Its loops as machine code; another kind of processor makes its own at the first start, in 12 s.
RUN python -c "import processors.writer"
VOLUME /var/lib/linksla
EXPOSE 8080
ENTRYPOINT ["linksla"]
CMD ["run", "--config", "/etc/linksla"]

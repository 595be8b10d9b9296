# linksla: `make` explains itself. Python 3.11 and make are all a fresh machine needs.
SHELL := /usr/bin/env bash -eu -o pipefail
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help setup demo test check bench chaos drain freshness format judging reads fuzz hostile months mutate clean

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk 'BEGIN {FS = ":.*## "} {printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.ready ## make .venv with .venv/bin/linksla, fetch Kafka's jars and the front-end packages

demo: .venv/.ready ## Kafka, two months of history, live data, a fibre cut after 30 s: portal on 127.0.0.1
	@$(BIN)/linksla demo

# Each file's tests run in one process: their servers are started once.
PROCESSES ?= 2
test: .venv/.ready .venv/.developer ## all tests, in PROCESSES=2
	@$(BIN)/pytest -q -n $(PROCESSES) --dist loadfile

check: .venv/.ready .venv/.developer ## linters, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/.ready ## durable samples/s as ratios to polling alone, measured in one run
	@$(BIN)/python -m benchmarks.ingest

KILLS ?= 2000
SEED ?= 1
chaos: .venv/.ready .venv/.developer ## kill a node at KILLS=2000 random points (SEED=1), compare with the truth
	@LINKSLA_CHAOS_KILLS=$(KILLS) LINKSLA_CHAOS_SEED=$(SEED) $(BIN)/pytest -q tests/chaos --durations=5

SAMPLES ?= 10000000
drain: .venv/.ready ## drain a backlog of SAMPLES=10000000: peak memory, rate, bytes on disk
	@$(BIN)/python -m benchmarks.drain --samples $(SAMPLES)

SECONDS ?= 600
freshness: .venv/.ready ## 100,000 samples/s for SECONDS=600: how long until the API shows them, what stalls
	@$(BIN)/python -m benchmarks.freshness --seconds $(SECONDS)

reads: .venv/.ready ## 31 days of a circuit out of 20,000, read while 100,000 samples/s arrive
	@$(BIN)/python -m benchmarks.reads

judging: .venv/.ready ## a month of 100,000 circuits from cold; what a poll of 20,000 leaves to judge
	@$(BIN)/python -m benchmarks.judging
	@$(BIN)/python -m benchmarks.judging --cold 1000 --days 190 --polls 5 30

hostile: .venv/.ready ## 100 MB messages and bombs through a real broker, with both clients
	@LINKSLA_HOSTILE=1 $(BIN)/python -m pytest -q tests/integration/test_ingest_hostile_broker.py tests/unit/test_ingest_hostile.py

fuzz: .venv/.ready ## 1,000,000 mutated messages against an oracle, about 6 minutes
	@$(BIN)/python -m benchmarks.fuzz

MONTHS ?= 200
months: .venv/.ready .venv/.developer ## judge MONTHS=200 generated months against a slow oracle, unit by unit
	@LINKSLA_SLOW_MONTHS=$(MONTHS) $(BIN)/pytest -q tests/property/test_sla_slow_months.py

TARGETS ?=
mutate: .venv/.ready .venv/.developer ## break sla/ one place at a time (TARGETS="bands judge --again"): a test must notice
	@$(BIN)/python -m benchmarks.mutants $(TARGETS)

format: .venv/.developer ## put the code in its form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

clean: ## remove what was made (not the data of a node)
	rm -rf .venv build *.egg-info dashboards/node_modules dashboards/static/vendor

.venv/.installed: pyproject.toml constraints.txt
	@echo "setup: Python packages (about 40 s the first time)"
	@$(PYTHON) -c 'import sys; sys.exit(f"linksla needs Python 3.11 or newer, this is {sys.version.split()[0]}" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) -e .
	@touch $@

# Jars, front-end packages and machine code have nothing to do with each other: side by side.
.venv/.ready: .venv/.installed dashboards/package.json dashboards/package-lock.json
	@echo "setup: Kafka's jars, the front-end packages, loops to machine code (about 30 s the first time)"
	@$(BIN)/linksla kafka --fetch & jars=$$!; \
	 $(BIN)/python -c "import processors.writer" & loops=$$!; \
	 $(BIN)/python -m dashboards.build_static; \
	 wait $$jars; wait $$loops
	@touch $@

.venv/.developer: .venv/.installed
	@echo "setup: test tools"
	@$(PIP) -e '.[dev]'
	@touch $@

"""SQL texts, one statement a file, beside the package that owns them."""

from functools import cache
from importlib.resources import files


@cache
def statement(package: str, name: str) -> str:
    """Return the text of `package/sql/name.sql`; the header comment stays for the query log."""
    return files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")

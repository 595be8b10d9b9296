"""The JSON Schema of contract files, for editors: `python -m sla.contract_schema` prints it."""

import json
import sys

from pydantic import TypeAdapter

from sla.contracts import Contract


def contract_schema() -> str:
    """Return the schema (JSON Schema 2020-12) as config/contracts/contract.schema.json holds it.

    It knows keys, types and ranges. Holes in a schedule, the ladder of loss thresholds and what
    versions may change are checked by `linksla check`.
    """
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    body |= TypeAdapter(Contract).json_schema(mode="validation")
    body["title"] = "A contract version of linksla"
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(contract_schema())

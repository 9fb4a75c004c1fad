"""What the API answers is what its description says: replies and errors are checked against the schema."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.web.api_bank import Api, Bank, make_bank, submitted


@pytest.fixture
def bank(db: None) -> Bank:
    return make_bank()


def plain(schema: Any) -> Any:
    """OpenAPI 3.0 writes `nullable`; JSON Schema says it as a choice. Unknown properties are not allowed."""
    if isinstance(schema, list):
        return [plain(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: plain(value) for name, value in schema.items() if name != "nullable"}
    if inner.get("type") == "object" and "properties" in inner and "additionalProperties" not in inner:
        inner["additionalProperties"] = False
    return {"anyOf": [inner, {"type": "null"}]} if schema.get("nullable") is True else inner


def faults(description: dict[str, Any], path: str, method: str, reply: Any) -> list[str]:
    answers = description["paths"][path][method]["responses"]
    media_type = reply["Content-Type"].partition(";")[0]
    content = answers[str(reply.status_code)]["content"][media_type]["schema"]
    if media_type != "application/json":
        return []
    whole = plain({**content, "components": description["components"]})
    return [
        f"{path} {error.json_path}: {error.message}" for error in Draft202012Validator(whole).iter_errors(reply.json())
    ]


def test_replies_keep_to_the_description(bank: Bank) -> None:
    report = submitted(bank)
    assert bank.api("manager").get(f"reports/{report['id']}/pdf/").status_code == 409
    description = Api().get("schema/", format="json").json()
    ids = {"loans": bank.loans["home"].pk, "tasks": bank.tasks["home"].pk, "visits": bank.tasks["home"].pk}
    ids["reports"] = report["id"]
    found, asked = [], 0
    for path, methods in description["paths"].items():
        if "get" not in methods:
            continue
        kind = path.split("/")[3]
        reply = bank.api("manager").get(path.removeprefix("/api/v1/").replace("{id}", str(ids.get(kind, ""))))
        found += faults(description, path, "get", reply)
        found += faults(description, path, "get", Api().get(path.removeprefix("/api/v1/").replace("{id}", "1")))
        asked += 1
    assert found == [] and asked >= 14


def test_refused_writes_keep_to_the_description(bank: Bank) -> None:
    description = Api().get("schema/", format="json").json()
    found, statuses = [], set()
    for path, methods in description["paths"].items():
        if "post" not in methods:
            continue
        address = path.removeprefix("/api/v1/").replace("{id}", str(bank.tasks["home"].pk))
        for who in ("officer", "manager", "operations", "auditor"):
            for body in ({"unknown": 1}, [], {}):
                reply = bank.api(who).post(address, body, key=f"{who}{path}{body}".replace(" ", ""))
                statuses.add(reply.status_code)
                if reply.status_code >= 400:
                    found += faults(description, path, "post", reply)
    assert found == [] and statuses >= {400, 403}

"""The floors that linters cannot see: string references, URL names and table names in SQL."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
# Lowest first; a room may reach rooms with a smaller or equal number, siblings never.
FLOOR = {
    "journal": 0,
    "people": 1,
    "loans": 2,
    "collateral": 3,
    "correspondence": 3,
    "risk": 4,
    "followups": 5,
    "config": 9,
}
TABLE = re.compile(r"\b(journal|people|loans|collateral|correspondence|risk|followups)_[a-z]+\b")
URL_NAME = re.compile(r"""["'](journal|people|loans|collateral|correspondence|risk|followups):[a-z_]+["']""")
MODEL = re.compile(r"""["'](journal|people|loans|collateral|correspondence|risk|followups)\.[A-Z][A-Za-z]+["']""")
SQL_WORD = re.compile(r"\b(FROM|JOIN|INTO|UPDATE|TABLE)\s", re.IGNORECASE)


def is_above(other: str, room: str) -> bool:
    """Higher, or a sibling."""
    return other != room and FLOOR[other] >= FLOOR[room]


def python_files(room: str) -> Iterator[Path]:
    for path in sorted((HOME / room).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


def strings_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("room", [name for name in FLOOR if name != "config"])
def test_no_string_reaches_a_higher_room(room: str) -> None:
    upward = []
    for path in python_files(room):
        source = path.read_text(encoding="utf-8")
        named = {match.group(1) for pattern in (URL_NAME, MODEL) for match in pattern.finditer(source)}
        for text in strings_of(path):
            if SQL_WORD.search(text):
                named |= {match.group(1) for match in TABLE.finditer(text)}
        upward += [f"{path.relative_to(HOME)} → {other}" for other in named if is_above(other, room)]
    assert upward == []


@pytest.mark.parametrize("room", [name for name in FLOOR if name != "config"])
def test_no_template_links_to_a_higher_room(room: str) -> None:
    upward = []
    for path in sorted((HOME / "templates" / room).rglob("*.html")):
        for match in URL_NAME.finditer(path.read_text(encoding="utf-8")):
            if is_above(match.group(1), room):
                upward.append(f"{path.relative_to(HOME)} → {match.group(0)}")
    assert upward == []


def test_bulk_tables_have_no_foreign_key_to_the_wide_loan_row() -> None:
    from django.apps import apps

    tied = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if getattr(field, "remote_field", None)
        and getattr(field, "concrete", False)
        and field.related_model is apps.get_model("loans", "Loan")
        and field.db_constraint
    ]
    assert tied == []


def test_the_journal_has_no_foreign_key_to_another_room() -> None:
    from django.apps import apps

    foreign = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("journal").get_models()
        for field in model._meta.get_fields()
        if getattr(field, "concrete", False)
        and field.related_model
        and field.related_model._meta.app_label != "journal"
    ]
    assert foreign == []

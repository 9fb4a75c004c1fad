"""The style that a machine can see: size, drawers, banned ways of writing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
ROOMS = ["journal", "people", "loans", "collateral", "correspondence", "risk", "followups", "config"]
FUNCTION_LINES, FILE_LINES, PART_LINES = 70, 500, 40


def files() -> Iterator[Path]:
    for room in [*ROOMS, "bench", "tests", "script"]:
        for path in sorted((HOME / room).rglob("*.py")):
            if "migrations" not in path.parts and "__pycache__" not in path.parts:
                yield path


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def test_files_stay_small() -> None:
    long = {
        str(path.relative_to(HOME)): count
        for path in files()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > FILE_LINES
    }
    assert long == {}


def test_functions_stay_small() -> None:
    long = [
        f"{path.relative_to(HOME)}:{node.lineno} {node.name}"
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_every_module_says_what_it_decides() -> None:
    silent = [
        str(path.relative_to(HOME))
        for path in files()
        if path.name not in ("__init__.py", "apps.py", "manage.py") and not ast.get_docstring(tree(path))
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"\bbulk_update\(", "bulk_update is hundreds of times the set-based statement"),
        (r"\bfrom django\.dispatch\b|\bdjango\.db\.models\.signals\b", "signals hide who reacts"),
        (r"\bmark_safe\(|\|safe\b", "text is escaped, always"),
        (r"\.extra\(", "no hand-made SQL around the bound parameters"),
        (r"\bdatetime\.now\(|\bdate\.today\(|\bdatetime\.utcnow\(", "the clock is an argument"),
    ],
)
def test_banned_ways_are_not_used(pattern: str, why: str) -> None:
    found = [
        f"{path.relative_to(HOME)}"
        for path in files()
        if "tests" not in path.parts and "script" not in path.parts
        if re.search(pattern, path.read_text(encoding="utf-8"))
    ]
    assert found == [], why


def test_only_edges_read_the_clock() -> None:
    edges = {"views.py", "tasks.py", "web.py", "loan_page.py", "operations.py"}
    found = [
        str(path.relative_to(HOME))
        for path in files()
        if "tests" not in path.parts
        and path.parts[len(HOME.parts)] not in ("bench", "script")
        and "commands" not in path.parts
        and path.name not in edges
        and "api" not in path.parts
        and "timezone.now(" in path.read_text(encoding="utf-8")
    ]
    assert found == []


def test_no_float_touches_money() -> None:
    found = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for room in ROOMS
        for path in sorted((HOME / room).rglob("*.py"))
        if "migrations" not in path.parts
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    ]
    assert found == []


def test_models_override_no_save() -> None:
    found = [
        f"{path.relative_to(HOME)} {node.name}"
        for path in files()
        if path.name == "models.py"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef) and node.name == "save"
    ]
    assert found == []


def test_no_room_has_a_name_that_says_nothing() -> None:
    hollow = {"core", "common", "utils", "helpers", "base", "services", "misc", "manager"}
    found = [str(path.relative_to(HOME)) for path in files() if path.stem in hollow]
    assert found == []


def test_templates_hold_no_inline_script_and_parts_stay_short() -> None:
    wrong = []
    for path in sorted((HOME / "templates").rglob("*.html")):
        text = path.read_text(encoding="utf-8")
        if re.search(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", text) or re.search(r"\son[a-z]+=\"", text):
            wrong.append(f"{path.relative_to(HOME)} has inline script")
        if "|safe" in text:
            wrong.append(f"{path.relative_to(HOME)} marks text as safe")
        if "parts" in path.parts and len(text.splitlines()) > PART_LINES:
            wrong.append(f"{path.relative_to(HOME)} is longer than {PART_LINES} lines")
    assert wrong == []

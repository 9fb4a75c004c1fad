"""The index of `docs/requirements.md`: row → tests → pages; the standard library only.

A test cites a row by its number (`S2.12`) in its docstring, in a comment or decorator of its own, or in the docstring
of its module. Exit status 1 where a held row has no test, a test cites a row that is not listed, or a page is unknown.
"""

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HOME = Path(__file__).resolve().parents[1]
_ROW = re.compile(r"^\| (S[12]\.\d+) \| (.+?) \| (held|open) \| ?(.*?) ?\|$", re.MULTILINE)
_CITED = re.compile(r"\bS[12]\.\d+\b")
_NAMED = re.compile(r"""\bname="([a-z_]+)\"""")


class Row(NamedTuple):
    """One requirement: what it asks, whether tests must hold it, the pages where people see it."""

    number: str
    what: str
    is_held: bool
    pages: tuple[str, ...]


def listed(text: str) -> dict[str, Row]:
    """The rows of the list, in its order."""
    found = {}
    for number, what, state, pages in _ROW.findall(text):
        named = tuple(page.strip() for page in pages.split(",") if page.strip())
        found[number] = Row(number, what, state == "held", named)
    return found


def citations(path: Path) -> Iterator[tuple[str, str]]:
    """(row, test) for every citation in a file of tests; a citation of the module counts for the file."""
    text = path.read_text(encoding="utf-8")
    if not _CITED.search(text):
        return
    lines, tree, name = text.splitlines(), ast.parse(text), str(path.relative_to(HOME))
    for row in _CITED.findall(ast.get_docstring(tree) or ""):
        yield row, name
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
            for row in sorted(set(_CITED.findall("\n".join(lines[_first_line(node, lines) : node.end_lineno])))):
                yield row, f"{name}::{node.name}"


def _first_line(node: ast.FunctionDef, lines: list[str]) -> int:
    """Index of the first line that belongs to a test: its decorators and the comment above them."""
    first = min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first


def tests_by_row() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted((HOME / "tests").rglob("test_*.py")):
        for row, test in citations(path):
            if test not in found.setdefault(row, []):
                found[row].append(test)
    return found


def known_pages() -> set[str]:
    """Names of pages, those of a room with its name before them."""
    found = set()
    for path in HOME.glob("*/*urls.py"):
        text = path.read_text(encoding="utf-8")
        room = re.search(r'^app_name = "([a-z]+)"', text, re.MULTILINE)
        found |= {f"{room[1]}:{name}" if room else name for name in _NAMED.findall(text)}
    return found


def faults(rows: dict[str, Row], tests: dict[str, list[str]], pages: set[str]) -> list[str]:
    """What is wrong with the index, one sentence each."""
    found = [f"{row.number} is held by no test" for row in rows.values() if row.is_held and not tests.get(row.number)]
    found += [f"{number} is cited by {tests[number][0]} and not listed" for number in tests if number not in rows]
    found += [f"{row.number} names the unknown page {page}" for row in rows.values() for page in row.pages
              if page not in pages]  # fmt: skip
    return found


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/requirements", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these rows, each with all its tests")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    rows, tests = listed((HOME / "docs/requirements.md").read_text(encoding="utf-8")), tests_by_row()
    if unknown := [number for number in asked.rows if number not in rows]:
        parser.error(f"not listed: {', '.join(unknown)}")
    shown = [row for row in rows.values() if not asked.rows or row.number in asked.rows]
    if asked.json:
        index = {row.number: {"what": row.what, "held": row.is_held, "tests": tests.get(row.number, []),
                              "pages": row.pages} for row in shown}  # fmt: skip
        sys.stdout.write(json.dumps(index, indent=1, ensure_ascii=False) + "\n")
    else:
        for row in shown:
            sys.stdout.write("\n".join(_told(row, tests.get(row.number, []), whole=bool(asked.rows))) + "\n")
    wrong = faults(rows, tests, known_pages())
    held = sum(row.is_held for row in rows.values())
    sys.stderr.write("".join(f"{fault}\n" for fault in wrong))
    sys.stderr.write(f"{len(rows)} rows, {held} held, {len(rows) - held} open, {len(wrong)} faults\n")
    return 1 if wrong else 0


def _told(row: Row, tests: list[str], *, whole: bool) -> Iterator[str]:
    state = "" if row.is_held else "open  "
    yield f"{row.number:6s} {state}{row.what}"
    for test in tests if whole else tests[:3]:
        yield f"         {test}"
    if not whole and len(tests) > 3:
        yield f"         and {len(tests) - 3} more"
    if row.pages:
        yield f"         pages: {', '.join(row.pages)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Every text for people can be translated, and the English catalogue is complete."""

import ast
import re
from pathlib import Path

import polib

HOME = Path(__file__).resolve().parents[2]
ROOMS = ["journal", "people", "loans", "collateral", "risk", "followups", "config"]
CATALOGUE = HOME / "config/locale/en/LC_MESSAGES/django.po"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext"}
# Data seeded once, names of sources and titles of documents: not part of the screens' language.
DATA_FILES = {
    "config/seeding.py",
    "config/demo.py",
    "config/demo_names.py",
    "people/actions.py",
    "followups/rules/checklist.py",
    "followups/rules/default_policy.py",
    "risk/rules/grading.py",
    "followups/rules/report.py",
}


def messages_in_code() -> set[str]:
    found = set()
    for room in ROOMS:
        for path in (HOME / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in GETTEXT:
                    found |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return {text for text in found if CHINESE.search(text)}


def messages_in_templates() -> set[str]:
    found = set()
    for path in (HOME / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        found |= {m.group(2) for m in re.finditer(r"""{%\s*trans(?:late)?\s+(["'])(.*?)\1""", text)}
        found |= {m.group(2) for m in re.finditer(r"""_\((["'])(.*?)\1\)""", text)}
        for block in re.finditer(r"{%\s*blocktrans(?:late)?\b(.*?)%}(.*?){%\s*endblocktrans", text, re.S):
            body = block.group(2)
            if "trimmed" in block.group(1):
                body = " ".join(line.strip() for line in body.strip().splitlines())
            found |= {re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", part) for part in re.split(r"{%\s*plural\s*%}", body)}
    return {text for text in found if CHINESE.search(text)}


def test_the_english_catalogue_is_complete() -> None:
    catalogue = {entry.msgid: entry for entry in polib.pofile(str(CATALOGUE))}
    wanted = messages_in_code() | messages_in_templates()
    missing = sorted(text for text in wanted if text not in catalogue or not _is_translated(catalogue[text]))
    assert missing == []


def _is_translated(entry: polib.POEntry) -> bool:
    return bool(entry.msgstr or all(entry.msgstr_plural.values()) and entry.msgstr_plural)


def test_the_compiled_catalogue_is_the_written_one() -> None:
    written = {e.msgid: e.msgstr for e in polib.pofile(str(CATALOGUE)) if e.msgstr and not e.msgid_plural}
    compiled = {e.msgid: e.msgstr for e in polib.mofile(str(CATALOGUE.with_suffix(".mo"))) if not e.msgid_plural}
    assert {k: v for k, v in compiled.items() if k} == {k: v for k, v in written.items() if k}


def test_placeholders_survive_translation() -> None:
    wrong = []
    for entry in polib.pofile(str(CATALOGUE)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text and set(re.findall(r"%\((\w+)\)", entry.msgid)) != set(re.findall(r"%\((\w+)\)", text)):
                wrong.append(entry.msgid)
    assert wrong == []


def test_no_chinese_text_in_templates_stands_outside_translation() -> None:
    wrong = []
    for path in sorted((HOME / "templates").rglob("*.html")):
        text = re.sub(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}", "", path.read_text(encoding="utf-8"), flags=re.S)
        text = re.sub(r"{%\s*blocktrans.*?endblocktrans\w*\s*%}", "", text, flags=re.S)
        text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.S)
        wrong += [f"{path.relative_to(HOME)}: {line.strip()[:60]}" for line in text.splitlines() if CHINESE.search(line)]
    assert wrong == []


def test_no_chinese_text_in_code_stands_outside_translation() -> None:
    wrong = []
    for room in ROOMS:
        for path in sorted((HOME / room).rglob("*.py")):
            name = str(path.relative_to(HOME))
            if name in DATA_FILES or "migrations" in path.parts:
                continue
            wrong += [f"{name}:{line}" for line in _bare_chinese(ast.parse(path.read_text(encoding="utf-8")))]
    assert wrong == []


def _bare_chinese(module: ast.Module) -> list[int]:
    wrapped: set[int] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in GETTEXT:
            wrapped |= {id(child) for child in ast.walk(node)}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            wrapped.add(id(node.body[0].value))  # type: ignore[attr-defined]
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and CHINESE.search(node.value)
        and id(node) not in wrapped
    ]

"""Every text for people can be translated, and the English catalogue is complete."""

import ast
import importlib.util
import re
from pathlib import Path

import polib
from django.template import Context, Template
from django.utils import translation

HOME = Path(__file__).resolve().parents[2]
_spec = importlib.util.spec_from_file_location("catalogue", HOME / "script/catalogue.py")
assert _spec is not None
assert _spec.loader is not None
catalogue = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(catalogue)

# Data seeded once, names of sources and titles of documents: not part of the screens' language.
DATA_FILES = {
    "config/seeding.py",
    "config/demo/__init__.py",
    "config/demo/book.py",
    "config/demo/contracts.py",
    "config/demo/findings.py",
    "config/management/commands/demo_situations.py",
    "config/demo/living.py",
    "config/made_up_names.py",
    "config/demo/situations.py",
    "config/demo/stories.py",
    "config/demo/stories_of_corrections.py",
    "config/demo/stories_of_homes.py",
    "config/demo/tour.py",
    "config/demo/visits.py",
    "people/actions/__init__.py",
    "followups/rules/attachments.py",
    "followups/rules/checklist.py",
    "followups/rules/checklist_items.py",
    "followups/rules/default_policy.py",
    "followups/rules/estates.py",
    "followups/rules/letters.py",
    "followups/rules/measures.py",
    "followups/rules/ordinary_words.py",
    "followups/rules/events.py",
    "risk/rules/grading.py",
    "risk/batch/installing.py",
    "risk/rules/score.py",
    "risk/rules/signals.py",
    "followups/rules/regulations.py",
    "correspondence/rules/wording.py",
    "people/rules/masking.py",
    "collateral/rules/address.py",
    "config/boarding_bank.py",
    "config/settings.py",
    "loans/filters.py",
    "loans/rules/capitals.py",
    "followups/rules/report.py",
}


def test_the_english_catalogue_is_complete() -> None:
    written = polib.pofile(str(catalogue.CATALOGUE))
    known = {(entry.msgid, entry.msgid_plural or "", entry.msgctxt or "") for entry in written}
    assert sorted(catalogue.messages() - known) == []
    assert catalogue.untranslated(written) == []


def test_the_compiled_catalogue_is_the_written_one() -> None:
    written = {(e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural) for e in polib.pofile(str(catalogue.CATALOGUE))}
    compiled = {
        (e.msgctxt, e.msgid): (e.msgstr, e.msgstr_plural)
        for e in polib.mofile(str(catalogue.CATALOGUE.with_suffix(".mo")))
    }
    assert compiled == written


def test_placeholders_survive_translation() -> None:
    wrong = []
    for entry in polib.pofile(str(catalogue.CATALOGUE)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text and set(re.findall(r"%\((\w+)\)", entry.msgid)) != set(re.findall(r"%\((\w+)\)", text)):
                wrong.append(entry.msgid)
    assert wrong == []


def test_english_texts_hold_no_chinese() -> None:
    written = polib.pofile(str(catalogue.CATALOGUE))
    texts = [text for entry in written for text in [entry.msgstr, *entry.msgstr_plural.values()]]
    assert [text for text in texts if catalogue.CHINESE.search(text)] == []


def test_a_percent_sign_in_a_template_is_looked_up_as_django_does() -> None:
    with translation.override("en"):
        text = Template("{% load i18n %}{% trans '年利率（%）' %}").render(Context())
    assert text == "Annual rate (%)"


def test_no_chinese_text_in_templates_stands_outside_translation() -> None:
    wrong = []
    for path in sorted((HOME / "templates").rglob("*.html")):
        text = re.sub(r"{#.*?#}|{%\s*comment.*?endcomment\s*%}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = re.sub(r"{%\s*blocktrans.*?endblocktrans\w*\s*%}", "", text, flags=re.DOTALL)
        text = re.sub(r"{%.*?%}|{{.*?}}", "", text, flags=re.DOTALL)
        text = re.sub(r">中文<", "><", text)  # a language is offered in its own name
        bare = [line.strip()[:60] for line in text.splitlines() if catalogue.MARKED.search(line)]
        wrong += [f"{path.relative_to(HOME)}: {line}" for line in bare]
    assert wrong == []


def test_no_chinese_text_in_code_stands_outside_translation() -> None:
    wrong = []
    for room in catalogue.ROOMS:
        for path in sorted((HOME / room).rglob("*.py")):
            name = str(path.relative_to(HOME))
            if name in DATA_FILES or "migrations" in path.parts:
                continue
            wrong += [f"{name}:{line}" for line in _bare_chinese(ast.parse(path.read_text(encoding="utf-8")))]
    assert wrong == []


def _bare_chinese(module: ast.Module) -> list[int]:
    wrapped: set[int] = set()
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in catalogue.ONE | catalogue.MANY | catalogue.IN_CONTEXT
        ):
            wrapped |= {id(child) for child in ast.walk(node)}
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            wrapped.add(id(node.body[0].value))  # type: ignore[attr-defined]
    return [
        node.lineno
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and catalogue.CHINESE.search(node.value)
        and id(node) not in wrapped
    ]

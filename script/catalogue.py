"""Keeps the English catalogue in step with the texts in code and templates, and compiles it.

`python script/catalogue.py` adds new message ids (untranslated), drops unused ones, writes
django.po sorted and django.mo beside it, and lists what still lacks an English text.
"""

import ast
import re
import sys
from pathlib import Path

import polib

HOME = Path(__file__).resolve().parents[1]
ROOMS = ("journal", "people", "loans", "collateral", "correspondence", "risk", "followups", "config")
CATALOGUE = HOME / "config/locale/en/LC_MESSAGES/django.po"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Also full-width marks alone: English has its own comma.
MARKED = re.compile(r"[\u3001\u3002\u3008-\u3011\u4e00-\u9fff\uff01-\uff5e]")
ONE = {"_", "gettext", "gettext_lazy", "gettext_noop", "_lazy"}
MANY = {"ngettext", "ngettext_lazy"}
IN_CONTEXT = {"pgettext", "pgettext_lazy"}
TRANS = re.compile(r"""{%\s*trans(?:late)?\s+(["'])(.*?)\1(?:\s+context\s+(["'])(.*?)\3)?""")
CALL = re.compile(r"""_\((["'])(.*?)\1\)""")
BLOCK = re.compile(r"{%\s*blocktrans(?:late)?\b(.*?)%}(.*?){%\s*endblocktrans", re.DOTALL)
PLURAL = re.compile(r"{%\s*plural\s*%}")

Message = tuple[str, str, str]  # message id, plural id and context (empty when there is none)


def in_code() -> set[Message]:
    """Messages of gettext calls whose arguments are plain strings."""
    found: set[Message] = set()
    for room in ROOMS:
        for path in (HOME / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = getattr(node.func, "id", "")
                texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if name in ONE and texts:
                    found.add((texts[0], "", ""))
                elif name in MANY and len(texts) >= 2:
                    found.add((texts[0], texts[1], ""))
                elif name in IN_CONTEXT and len(texts) >= 2:
                    found.add((texts[1], "", texts[0]))
    return {message for message in found if MARKED.search(message[0])}


def in_templates() -> set[Message]:
    """Messages of trans and blocktrans tags and of _("…") inside templates."""
    found: set[Message] = set()
    for path in (HOME / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        # Django doubles a percent sign of a template's text before it looks the text up.
        found |= {(match.group(2).replace("%", "%%"), "", match.group(4) or "") for match in TRANS.finditer(text)}
        found |= {(match.group(2).replace("%", "%%"), "", "") for match in CALL.finditer(text)}
        for block in BLOCK.finditer(text):
            parts = [_block_text(part, "trimmed" in block.group(1)) for part in PLURAL.split(block.group(2))]
            found.add((parts[0], parts[1] if len(parts) > 1 else "", ""))
    return {message for message in found if MARKED.search(message[0])}


def _block_text(body: str, trimmed: bool) -> str:
    if trimmed:
        body = " ".join(line.strip() for line in body.strip().splitlines())
    return re.sub(r"{{\s*(\w+)\s*}}", r"%(\1)s", body.replace("%", "%%"))


def messages() -> set[Message]:
    """Every message of the house."""
    return in_code() | in_templates()


def untranslated(catalogue: polib.POFile) -> list[str]:
    """Message ids without an English text."""
    return sorted(
        entry.msgid
        for entry in catalogue
        if not (all(entry.msgstr_plural.values()) if entry.msgid_plural else entry.msgstr)
    )


def main() -> int:
    """Rewrites the catalogue; returns 1 while texts are missing."""
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    old = polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else polib.POFile()
    known = {(entry.msgid, entry.msgid_plural or "", entry.msgctxt or ""): entry for entry in old}
    new = polib.POFile()
    new.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Language": "en",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    for msgid, plural, context in sorted(messages()):
        kept = known.get((msgid, plural, context))
        entry = polib.POEntry(msgid=msgid, msgctxt=context or None, msgstr=kept.msgstr if kept else "")
        if plural:
            entry = polib.POEntry(msgid=msgid, msgid_plural=plural)
            entry.msgstr_plural = kept.msgstr_plural if kept else {0: "", 1: ""}
        entry.flags = ["python-format"] if "%(" in msgid else []
        new.append(entry)
    new.save(str(CATALOGUE))
    new.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    missing = untranslated(new)
    for text in missing:
        sys.stdout.write(text + "\n")
    sys.stdout.write(f"{len(new)} messages, {len(missing)} without English\n")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

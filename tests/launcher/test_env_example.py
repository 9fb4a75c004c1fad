""".env.example explains every variable that is read, and docker compose gives its services no secret by default."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / ".env.example").read_text()
NAMED = set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE, re.M))
SECRETS = {"SECRET_KEY", "POSTGRES_PASSWORD", "OWNER_PASSWORD", "APP_PASSWORD", "VALKEY_PASSWORD"}
# What every program on a system has; nothing to explain.
ORDINARY = {"PATH", "PYTHONPATH", "VIRTUAL_ENV"}


def read_by(*patterns: str) -> set[str]:
    found: set[str] = set()
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        text = path.read_text()
        found |= set(re.findall(r"""\benv(?:iron)?\.(?:\w+)\(\s*["']([A-Z_]+)["']""", text))
        found |= set(re.findall(r"""\$\{([A-Z_]+)[:}?-]""", text))
    return found - ORDINARY


@pytest.mark.parametrize(
    "patterns",
    [("config/settings.py",), ("script/launcher/*.py", "script/launcher/run"), ("docker-compose.yml",)],
    ids=["settings", "launcher", "compose"],
)
def test_every_variable_is_explained(patterns: tuple[str, ...]) -> None:
    read = read_by(*patterns)
    assert read, patterns
    assert read <= NAMED


def test_every_variable_has_words_above_it() -> None:
    lines = EXAMPLE.splitlines()
    starts = [number for number, line in enumerate(lines) if re.match(r"(?:# )?[A-Z_]+=", line)]
    for number in starts:
        above = number - 1
        while above in starts:
            above -= 1
        assert re.match(r"# \S", lines[above]), lines[number]


def test_secrets_have_no_value_here_and_no_default_in_compose() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for name in SECRETS:
        assert re.search(rf"^{name}=$", EXAMPLE, re.M), name
        uses = re.findall(rf"\$\{{{name}([^}}]*)\}}", compose)
        assert uses and all(use.startswith(":?") for use in uses), name

"""The compose file runs what script/server runs, the image holds every room, workers are as many as wanted."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(__file__).resolve().parents[2]
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_the_image_holds_every_room() -> None:
    copied = set(re.findall(r"^!([\w./]+)$", (ROOT / ".dockerignore").read_text(), re.M))
    rooms = {name for name in settings.INSTALLED_APPS if (ROOT / name / "__init__.py").exists()}
    assert "journal" in rooms
    assert rooms | {"manage.py", "requirements.txt", "templates"} <= copied


def programs_of_the_server() -> dict[str, list[str]]:
    """The words of worker and beat as script/server starts them."""
    text = (ROOT / "script/launcher/serve.py").read_text()
    found = {}
    for name in ("worker", "beat"):
        words = re.search(rf'Program\("{name}", \[\*celery, ([^\]]*)\]', text)
        assert words
        found[name] = ["celery", "-A", "config", *ast.literal_eval(f"[{words[1]}]")]
    return found


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_worker_and_beat_are_those_of_the_server(name: str) -> None:
    assert SERVICES[name]["command"] == programs_of_the_server()[name]


def test_the_web_server_is_that_of_the_server() -> None:
    image = (ROOT / "Dockerfile").read_text()
    text = (ROOT / "script/launcher/serve.py").read_text()
    for option in ("--worker-class", "--workers", "--threads", "--graceful-timeout", "--no-control-socket"):
        value = re.search(rf'"{option}"(?:, "([\w]+)")?', text)
        assert value and value[0] in image, option


def test_the_database_is_set_as_that_of_the_server() -> None:
    given = dict(word.removeprefix("-c").split("=", 1) for word in SERVICES["postgres"]["command"][1:])
    text = (ROOT / "script/launcher/servers.py").read_text().split("class Valkey")[0]
    settings_of_ours = set(re.findall(r'^ {12}"([a-z_]+)":', text, re.M)) - {
        "listen_addresses", "port", "unix_socket_directories",
    }  # fmt: skip
    assert len(settings_of_ours) > 6
    assert set(given) == settings_of_ours


def test_workers_are_as_many_as_wanted_and_share_the_files() -> None:
    worker = SERVICES["worker"]
    assert not {"container_name", "ports", "hostname"} & set(worker)
    assert worker["volumes"] == SERVICES["web"]["volumes"] == ["media:/state/media"]
    assert worker["environment"] == SERVICES["web"]["environment"] == SERVICES["beat"]["environment"]
    assert "REPLICA_URL" in worker["environment"]

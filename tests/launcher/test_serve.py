"""What script/server says when it cannot start, and what its web server writes down."""

import errno
import json
import os
import socket
import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from launcher.bank import Bank
from launcher.environment import Environment
from launcher.join import Membership
from launcher.serve import ACCESS_LOG_FORMAT, cannot_listen, listen, make_programs, refuse_second, web_address
from launcher.speech import Refusal
from launcher.state import State, prepare
from launcher.verbs import main


def test_taken_port_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Refusal) as refusal:
            listen("127.0.0.1", port)
    assert refusal.value.status == 2
    assert f"Port {port} on 127.0.0.1 is taken by another program." in str(refusal.value)
    assert f"script/server --port {port + 1 if port < 65535 else 8000}" in str(refusal.value)


def test_taken_port_ends_the_command_with_2_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    state = prepare(tmp_path / "bank", None)
    monkeypatch.setattr("launcher.serve.open_state", lambda environ: state)
    monkeypatch.setattr("launcher.serve.Signals", lambda: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert main(["server", "--port", str(other.getsockname()[1])]) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert "anju: Port " in heard.err and "is taken by another program" in heard.err
    assert not (state.folder / "passwords").exists() and not (state.folder / "server.json").exists()


@pytest.mark.parametrize(
    ("port", "number", "words"),
    [
        (65535, errno.EADDRINUSE, "--port 8000"),
        (80, errno.EACCES, "open to root only"),
        (8000, errno.EADDRNOTAVAIL, "Cannot listen on 10.1.1.1 port 8000"),
    ],
)
def test_other_reasons_are_said(port: int, number: int, words: str) -> None:
    assert words in cannot_listen("10.1.1.1", port, OSError(number, os.strerror(number)))


@pytest.mark.parametrize("port", [-1, 70_000, 2**70])
def test_impossible_port_is_refused_rather_than_exchanged_for_another(port: int) -> None:
    with pytest.raises(Refusal, match=f"There is no port {port};"):
        listen("127.0.0.1", port)


def test_unknown_host_is_refused() -> None:
    with pytest.raises(Refusal, match="no address to listen on"):
        listen("127.0.0.1.0", 8000)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("anju.example.com", "http://anju.example.com:8000"),
    ],
)
def test_address_can_be_typed_into_a_browser(host: str, address: str) -> None:
    assert web_address(host, 8000) == address


def test_second_server_of_a_state_is_told_where_the_first_is(tmp_path: Path) -> None:
    state = prepare(tmp_path / "bank", None)
    held = refuse_second(state)
    try:
        (state.folder / "server.json").write_text(json.dumps({"address": "http://127.0.0.1:8123", "pid": 1}))
        with pytest.raises(Refusal, match="Already running at http://127.0.0.1:8123") as refusal:
            refuse_second(state)
        assert refusal.value.status == 2
    finally:
        os.close(held)
    os.close(refuse_second(state))


def access_log_line(arguments: list[str], path: str, query: str) -> str:
    """What gunicorn writes with these arguments of its own."""
    config = Config()
    config.set("access_log_format", arguments[arguments.index("--access-logformat") + 1])
    target = f"{path}?{query}"
    request = SimpleNamespace(headers=[("REFERER", f"http://bank{target}"), ("HOST", "bank")])
    response = SimpleNamespace(status="200 OK", sent=512, headers=[])
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.0.0.7",
        "HTTP_REFERER": f"http://bank{target}",
    }
    logger = Logger(config)
    atoms = logger.atoms(response, request, environ, timedelta(milliseconds=5))
    return config.access_log_format % logger.atoms_wrapper_class(atoms)


def web_arguments(tmp_path: Path) -> list[str]:
    bank = Bank(Environment(Path(sys.prefix)), State(tmp_path, None), Membership({}, []))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return list(make_programs(bank, listener)[0].command)


def test_access_log_has_no_query_string(tmp_path: Path) -> None:
    line = access_log_line(web_arguments(tmp_path), "/loans/", "q=420106199001011234")
    assert '"GET /loans/ HTTP/1.1" 200 512' in line
    assert line.startswith("10.0.0.7 ")
    assert "420106199001011234" not in line and "?" not in line


def test_image_writes_the_same_access_log() -> None:
    dockerfile = (Path(__file__).resolve().parents[2] / "Dockerfile").read_text()
    assert json.dumps(ACCESS_LOG_FORMAT) in dockerfile

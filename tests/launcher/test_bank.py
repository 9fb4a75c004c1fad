"""What Django is told: the caller's environment completed, never overruled."""

from pathlib import Path

import pytest
from launcher.bank import addresses, django_environment, embedded_names
from launcher.environment import Environment
from launcher.speech import Refusal
from launcher.state import CHECKOUT

PASSWORDS = {"postgres": "p", "anju_owner": "o", "anju_app": "a", "valkey": "v"}
PORTS = {"postgres": 15001, "valkey": 15002}


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    (tmp_path / "venv" / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    return Environment(tmp_path / "venv")


def made(environment: Environment, environ: dict[str, str], *, demo: bool = False) -> dict[str, str]:
    ports = {name: PORTS[name] for name in embedded_names(environ)}
    return django_environment(environ, environment, Path("/bank"), "key", addresses(ports, PASSWORDS), demo=demo)


def test_servers_are_embedded_unless_given() -> None:
    assert embedded_names({}) == ["postgres", "valkey"]
    assert embedded_names({"DATABASE_URL": "postgres://x"}) == ["valkey"]
    assert embedded_names({"REDIS_URL": "redis://x"}) == ["postgres"]
    assert embedded_names({"DATABASE_URL": "postgres://x", "REDIS_URL": "redis://x"}) == []


def test_owner_without_application_is_refused() -> None:
    with pytest.raises(Refusal, match="Give both, or neither"):
        embedded_names({"DATABASE_OWNER_URL": "postgres://x"})


def test_embedded_servers_are_named_by_role(environment: Environment) -> None:
    env = made(environment, {})
    assert env["DATABASE_URL"] == "postgres://anju_app:a@127.0.0.1:15001/anju"
    assert env["DATABASE_OWNER_URL"] == "postgres://anju_owner:o@127.0.0.1:15001/anju"
    assert env["REDIS_URL"] == "redis://:v@127.0.0.1:15002/0"
    assert env["SECRET_KEY"] == "key"
    assert env["ANJU_STATE"] == "/bank"
    assert env["DJANGO_SETTINGS_MODULE"] == "config.settings"
    assert env["PYTHONPATH"] == str(CHECKOUT)


def test_superuser_password_is_not_passed_on(environment: Environment) -> None:
    passwords = {**PASSWORDS, "postgres": "never-to-be-seen"}
    env = django_environment({}, environment, Path("/bank"), "key", addresses(PORTS, passwords))
    assert not any("never-to-be-seen" in value for value in env.values())


def test_what_the_caller_set_stays(environment: Environment) -> None:
    given = {
        "DATABASE_URL": "postgres://me@db/bank",
        "DATABASE_OWNER_URL": "postgres://boss@db/bank",
        "REDIS_URL": "redis://cache/5",
        "SECRET_KEY": "mine",
        "DJANGO_SETTINGS_MODULE": "other.settings",
        "ALLOWED_HOSTS": "anju.example.com",
    }
    env = made(environment, given)
    assert {name: env[name] for name in given} == given


def test_one_address_serves_both_roles(environment: Environment) -> None:
    env = made(environment, {"DATABASE_URL": "postgres://me@db/bank"})
    assert env["DATABASE_OWNER_URL"] == "postgres://me@db/bank"
    assert env["REDIS_URL"] == "redis://:v@127.0.0.1:15002/0"


def test_empty_variables_count_as_unset(environment: Environment) -> None:
    env = made(environment, {"DATABASE_URL": "", "SECRET_KEY": ""})
    assert env["DATABASE_URL"].startswith("postgres://anju_app:")
    assert env["SECRET_KEY"] == "key"


def test_only_the_launcher_says_that_a_bank_is_a_demo(environment: Environment) -> None:
    assert "ANJU_DEMO" not in made(environment, {"ANJU_DEMO": "1"})
    assert made(environment, {}, demo=True)["ANJU_DEMO"] == "1"


def test_test_runs_beside_each_other_share_no_database() -> None:
    first, second = addresses(PORTS, PASSWORDS, slot=1), addresses(PORTS, PASSWORDS, slot=2)
    assert first["DATABASE_URL"].endswith("/anju") and second["DATABASE_URL"].endswith("/anju_2")
    assert first["REDIS_URL"].endswith("/0") and second["REDIS_URL"].endswith("/1")


def test_environment_programs_come_first_on_the_path(environment: Environment) -> None:
    env = made(environment, {"PATH": "/usr/bin", "PYTHONPATH": "/mine"})
    first, second, third = env["PATH"].split(":")
    assert first == str(environment.folder / "bin")
    assert second.endswith("/pginstall/bin"), "an older psql or pg_dump of the system refuses our server"
    assert third == "/usr/bin"
    assert env["PYTHONPATH"] == f"{CHECKOUT}:/mine"

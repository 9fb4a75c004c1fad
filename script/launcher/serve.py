"""script/server: everything up on an empty machine, watched until Ctrl-C, stopped cleanly."""

import argparse
import errno
import http.client
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping

from launcher import children
from launcher.bank import Bank, open_bank, open_environment, open_state
from launcher.furnish import STATIC, answers_yes, fingerprint, furnish, step
from launcher.guard import Guard
from launcher.join import is_kept
from launcher.locks import is_held, open_lock, try_lock
from launcher.speech import Failure, Refusal, say
from launcher.state import CHECKOUT, State
from launcher.supervise import Program, look_after, stop_all

START_PATIENCE = 90.0
# Files of packages that no page shows: compressing them takes as long as everything else together.
UNUSED_STATIC = ("--ignore", "redoc", "--ignore", "rest_framework")
# The one table the launcher knows: a bank without a loan is empty.
_IS_EMPTY = "SELECT NOT EXISTS (SELECT FROM loans_loan)"
# The path without its query string: a search may hold an identity number, and logs live long.
ACCESS_LOG_FORMAT = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s'


class Signals:
    """Ctrl-C, SIGTERM and SIGHUP: an interruption while preparing, a request once all is up."""

    def __init__(self) -> None:
        self.count = 0
        self.preparing = True
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._received)

    def _received(self, number: int, frame: object) -> None:
        self.count += 1
        if self.preparing:
            self.preparing = False
            raise KeyboardInterrupt


def serve(arguments: list[str]) -> int:
    """0 after a stop that was asked for, 1 when something failed, 2 when it cannot start so."""
    parser = argparse.ArgumentParser(prog="script/server", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="port of the web server (8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    given = parser.parse_args(arguments)
    signals = Signals()
    state = open_state(os.environ)
    _lock = refuse_second(state)
    listener = listen(given.host, given.port)
    address = web_address(given.host, listener.getsockname()[1])
    note = state.folder / "server.json"
    note.write_text(json.dumps({"address": address, "pid": os.getpid()}))
    try:
        return _serve(state, listener, address, signals)
    finally:
        note.unlink(missing_ok=True)


def _serve(state: State, listener: socket.socket, address: str, signals: Signals) -> int:
    environment = open_environment(os.environ, development=False)
    bank = open_bank(os.environ, environment, state)
    programs: list[Program] = []
    guard = Guard()
    try:
        prepare(bank)
        programs = make_programs(bank, listener)
        for program in programs:
            program.guard = guard
            program.start(state, bank.env)
        wait_until_healthy(bank, programs, listener)
        signals.preparing = False
        announce(bank, address)
        watch(bank, programs, signals)
    finally:
        signals.preparing = False
        before = signals.count
        if programs:
            say("stopping (Ctrl-C again to force)")
        stop_all(programs, lambda: signals.count > before)
        guard.dismiss()
        listener.close()
        part(bank)
    say("stopped")
    return 0


def refuse_second(state: State) -> int:
    """The lock that makes this the only script/server of its state."""
    lock = open_lock(state.folder / "server.lock")
    if try_lock(lock):
        return lock
    try:
        address = json.loads((state.folder / "server.json").read_text())["address"]
    except (OSError, ValueError):
        address = "an address it has not said yet"
    raise Refusal(
        f"Already running at {address} (state {state.folder}).\n"
        "Stop that one with Ctrl-C, or start another bank: ANJU_STATE=/path/to/its/state script/server --port 8001"
    )


def listen(host: str, port: int) -> socket.socket:
    """The web server's socket, bound before anything long is done and handed over to it."""
    if not 0 <= port <= 65535:  # the system would quietly take another one
        raise Refusal(f"There is no port {port}; choose one up to 65535.")
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise Refusal(f"{host} port {port} is no address to listen on ({error}).") from error
    listener = socket.socket(family, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(where)
        listener.listen(1)  # some systems tell a taken port only now
    except OSError as error:
        listener.close()
        raise Refusal(cannot_listen(host, port, error)) from error
    return listener


def cannot_listen(host: str, port: int, error: OSError) -> str:
    """Why the address cannot be had, and the way out."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is taken by another program.\n"
            f"Choose another: script/server --port {port + 1 if port < 65535 else 8000}"
        )
    if error.errno == errno.EACCES:
        return f"Port {port} is open to root only. Choose one above 1023: script/server --port 8000"
    return f"Cannot listen on {host} port {port}: {error.strerror}."


def web_address(host: str, port: int) -> str:
    """What to type into a browser on this machine."""
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def prepare(bank: Bank) -> None:
    """Database up to the code, demo into an empty embedded one, static files (meanwhile)."""
    static = bank.state.folder / "static.mark"
    mark = fingerprint(CHECKOUT, STATIC)
    if static.exists() and static.read_text() == mark and any((bank.state.folder / "static").iterdir()):
        furnish(bank, serving=True)
        load_demo(bank)
        return
    static.unlink(missing_ok=True)
    collect_beside(bank)
    static.write_text(mark)


def collect_beside(bank: Bank) -> None:
    """Static files are compressed while the database is prepared: both take a while, neither needs the other."""
    log = bank.state.log("collectstatic")
    with children.open_log(log) as output:
        since = log.stat().st_size
        collecting = children.spawn(
            bank.django("collectstatic", "--no-input", "-v", "0", *UNUSED_STATIC),
            env=bank.env,
            cwd=CHECKOUT,
            output=output,
        )
    try:
        furnish(bank, serving=True)
        load_demo(bank)
        collecting.wait()
    finally:
        children.stop(collecting, signal.SIGTERM, patience=5)
    if collecting.returncode != 0:
        raise Failure(f"collectstatic ended with {collecting.returncode}:\n{children.tail(log, since=since)}")


def load_demo(bank: Bank) -> None:
    """A demo book for an empty bank of our own; an imported book and an external one stay as they are.

    The note is written first: a load that is cut off leaves demo data, and they are marked as such.
    """
    if not bank.is_embedded:
        return
    note = bank.note("demo")
    is_empty = answers_yes(bank, _IS_EMPTY)
    if is_empty:
        note.write_text("loading\n")
        bank.env["ANJU_DEMO"] = "1"
        step(bank, "demo bank", "load_demo", "--if-empty")
        note.write_text("loaded\n")
    elif note.exists() and note.read_text() == "loading\n":
        say(f"the demo bank was cut off while loading; for a whole one remove {note.parent} and start again")


def make_programs(bank: Bank, listener: socket.socket) -> list[Program]:
    """Web server, worker and clock, all from the environment."""
    python = str(bank.environment.python)
    bank.env["PYTHONUNBUFFERED"] = "1"
    web = [python, "-m", "gunicorn", "config.wsgi:application", "--worker-class", "gthread"]
    web += ["--workers", "2", "--threads", "4", "--bind", f"fd://{listener.fileno()}", "--access-logfile", "-"]
    web += ["--access-logformat", ACCESS_LOG_FORMAT]
    web += ["--graceful-timeout", "10", "--no-control-socket"]
    if os.access("/dev/shm", os.W_OK):
        web += ["--worker-tmp-dir", "/dev/shm"]  # a heartbeat on a slow disk looks like a hung worker
    celery = [python, "-m", "celery", "-A", "config"]
    return [
        Program("web", web, keep_fds=(listener.fileno(),)),
        Program("worker", [*celery, "worker", "-c", "2", "-l", "INFO", "--without-gossip", "--without-mingle"]),
        Program("beat", [*celery, "beat", "-l", "INFO", "--pidfile="]),
    ]


def wait_until_healthy(bank: Bank, programs: list[Program], listener: socket.socket) -> None:
    """Until /healthz answers 200; a program that ends meanwhile is looked after."""
    until = time.monotonic() + START_PATIENCE
    while time.monotonic() < until:
        for program in programs:
            look_after(program, bank.state, bank.env)
        if is_healthy(listener, bank.env):
            return
        time.sleep(0.05)
    log = bank.state.log("web")
    raise Failure(f"/healthz did not answer within {START_PATIENCE:.0f} s. The end of {log}:\n{children.tail(log)}")


def is_healthy(listener: socket.socket, env: Mapping[str, str]) -> bool:
    """Asks as a proxy would, so that a bank set up for HTTPS and its own name answers too."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    allowed = env.get("ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    name = allowed if allowed not in ("", "*") else "127.0.0.1"
    link = http.client.HTTPConnection(host, port, timeout=5)
    try:
        link.request("GET", "/healthz", headers={"Host": name, "X-Forwarded-Proto": "https"})
        return link.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def announce(bank: Bank, address: str) -> None:
    """Address and, on a demo bank, how to sign in; the only words on standard output."""
    print(f"Anju is at {address}", flush=True)
    if "ANJU_DEMO" in bank.env:
        subprocess.run(bank.django("demo_sign_ins"), env=bank.env, stdin=subprocess.DEVNULL, check=False)
    say(f"state and logs in {bank.state.folder}; Ctrl-C stops everything")


def watch(bank: Bank, programs: list[Program], signals: Signals) -> None:
    """Until asked to stop: restart what ends, and bring the servers back if their keeper was killed."""
    while not signals.count:
        for program in programs:
            look_after(program, bank.state, bank.env)
        if lost := [name for name in bank.membership.ports if not is_kept(bank.state, name)]:
            rejoin(bank, programs, lost)
        time.sleep(0.25)


def rejoin(bank: Bank, programs: list[Program], lost: list[str]) -> None:
    """The servers went down under us: hold them anew, and tell the programs when they moved."""
    say(f"{' and '.join(lost)} went away; starting again")
    bank.membership.leave()
    fresh = open_bank(os.environ, bank.environment, bank.state)
    moved = fresh.membership.ports != bank.membership.ports
    bank.membership = fresh.membership
    if moved:
        bank.env.update({name: fresh.env[name] for name in fresh.env if name.endswith("_URL")})
        for program in programs:
            program.ask_to_end(signal.SIGTERM)


def part(bank: Bank) -> None:
    """Let the servers go and see them stop, unless another command still uses them."""
    bank.membership.leave()
    time.sleep(0.5)  # a keeper looks five times a second
    until = time.monotonic() + 60
    for name in bank.membership.ports:
        while is_held(bank.state.folder / f"{name}.keeper") and time.monotonic() < until:
            users = open_lock(bank.state.folder / f"{name}.users")
            in_use = try_lock(users, shared=True)  # the keeper of a stopping server refuses this
            os.close(users)
            if in_use:
                say(f"{name} stays up: another command is using it")
                break
            time.sleep(0.05)

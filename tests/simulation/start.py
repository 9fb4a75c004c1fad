"""Brings up environment and servers and hands over to `tests.simulation.run`; the standard library only."""

import os
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / "script"))

from launcher.bank import open_bank, open_environment, open_state  # noqa: E402
from launcher.speech import Refusal, say  # noqa: E402


def main(arguments: list[str]) -> int:  # noqa: RET503 - exec does not return
    """Does not return unless something is refused: the simulation takes this process over."""
    try:
        environment = open_environment(os.environ, development=True)
        bank = open_bank(os.environ, environment, open_state(os.environ))
    except Refusal as refusal:
        say(str(refusal))
        return refusal.status
    bank.membership.survive_exec()
    command = [str(environment.python), "-m", "tests.simulation.run", *arguments]
    os.execve(command[0], command, {**bank.env, "DEBUG": "1"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

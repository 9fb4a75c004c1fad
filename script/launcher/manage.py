"""script/manage: a management command with the servers up for as long as it runs.

The command replaces the launcher (exec), locks and all: standard streams, signals and exit status
are its own, and killing it by any means lets the servers go.
"""

import os
import sys
from collections.abc import Sequence

from launcher.bank import open_bank, open_environment, open_state, plain_environment
from launcher.furnish import forget, furnish
from launcher.state import CHECKOUT

NO_DATABASE = {
    "simulate_schedule",
    "help",
    "--help",
    "-h",
    "--version",
    "version",
    "check",
    "makemigrations",
    "collectstatic",
    "findstatic",
    "makemessages",
    "compilemessages",
    "startapp",
    "startproject",
    "diffsettings",
}
# These deal with the migrations themselves, so nothing is migrated before them.
UNSETTLING = {"migrate", "flush", "dbshell"}
LOOKING = {"showmigrations", "sqlmigrate", "sqlflush", "write_baseline"}


def needs_database(arguments: Sequence[str]) -> bool:
    """Whether the command needs the servers; asking for help never does."""
    if not arguments or arguments[0] in NO_DATABASE:
        return False
    return not {"--help", "-h"} & set(arguments[1:])


def manage(arguments: list[str]) -> int:
    """Does not return: the command takes this process over, in the caller's own folder."""
    environment = open_environment(os.environ)
    if needs_database(arguments):
        bank = open_bank(os.environ, environment, open_state(os.environ))
        if arguments[0] in UNSETTLING:
            forget(bank)
        elif arguments[0] not in LOOKING:
            furnish(bank)
        bank.membership.survive_exec()
        env = bank.env
    else:
        if arguments[:1] == ["collectstatic"]:
            open_state(os.environ)
        env = plain_environment(os.environ, environment)
    sys.stdout.flush()
    sys.stderr.flush()
    command = [str(environment.python), str(CHECKOUT / "manage.py"), *arguments]
    os.execve(command[0], command, env)

"""Which verb runs what, and how a refusal becomes an exit status."""

import sys

from launcher.speech import Refusal, say


def main(arguments: list[str]) -> int:
    """Run one verb; imports wait until the verb is known, so that `manage` starts quickly."""
    verb, rest = arguments[0], arguments[1:]
    try:
        if verb == "manage":
            from launcher.manage import manage

            return manage(rest)
        if verb == "server":
            from launcher.serve import serve

            return serve(rest)
        if verb == "test":
            from launcher.check import check

            return check(rest)
        if verb == "keeper":
            from launcher.keeper import main as keep

            return keep(rest)
    except Refusal as refusal:
        say(str(refusal))
        return refusal.status
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    print(f"unknown verb {verb}", file=sys.stderr)
    return 2

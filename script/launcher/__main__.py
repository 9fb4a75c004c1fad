"""Entry point of script/server, script/manage, script/test and of the keeper process."""

import sys
from pathlib import Path

# Started as a folder (`python3 script/launcher VERB`): make the package importable by its name.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from launcher import verbs  # noqa: E402

sys.exit(verbs.main(sys.argv[1:]))

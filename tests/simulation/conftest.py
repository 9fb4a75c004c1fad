"""The ground of the simulation: databases copied from the seeded test database, as of the crash rig."""

from tests.crash.conftest import _files_stay, files, ground

__all__ = ["_files_stay", "files", "ground"]

"""The crash rig: faults on purpose, and whether the books come out as if there had been none."""

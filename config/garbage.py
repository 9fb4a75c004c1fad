"""What a process has loaded stays for its life: the collector of garbage need not look through it again and again.

A look through all that is loaded takes 50 ms, as much as a search over a million loans.
"""

import gc
from functools import cache


@cache
def keep_what_is_loaded() -> None:
    """Once a process: whatever lives now is never looked at again. What is made later is collected as ever."""
    gc.freeze()

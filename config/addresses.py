"""Addresses without arguments: the same for as long as a process serves the same addresses."""

from functools import lru_cache

from django.urls import get_script_prefix, get_urlconf, reverse


def address(name: str) -> str:
    """The path of a named page that takes no arguments; NoReverseMatch when there is none."""
    return _address(name, get_script_prefix(), get_urlconf())


@lru_cache(maxsize=1024)
def _address(name: str, _prefix: str, urlconf: str | None) -> str:
    return reverse(name, urlconf=urlconf)

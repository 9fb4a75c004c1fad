"""Finding a Chromium for the browser tests, and installing one where that was asked for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from launcher.speech import Failure, Refusal, say

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-wqy-microhei")
_CHINESE_FONT = Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc")


def find(environ: Mapping[str, str]) -> str:
    """Path of a Chromium: ANJU_CHROMIUM, else one on PATH; empty when there is none."""
    named = environ.get("ANJU_CHROMIUM", "")
    if named:
        if not os.access(named, os.X_OK):
            raise Refusal(f"ANJU_CHROMIUM names {named}, which is not a program that can be run.")
        return named
    for name in NAMES:
        if found := shutil.which(name, path=environ.get("PATH")):
            return found
    return ""


def install(environ: Mapping[str, str]) -> str:
    """A Chromium with a Chinese font, through apt; only root can, and no sudo is tried."""
    found = find(environ)
    if found and (_CHINESE_FONT.exists() or environ.get("ANJU_CHROMIUM")):
        return found
    if not shutil.which("apt-get") or os.geteuid() != 0:
        if not found:
            say("Chromium can be installed only by root and through apt; name one with ANJU_CHROMIUM.")
        return found
    say(f"installing {' and '.join(PACKAGES)} through apt")
    env = {**environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", *PACKAGES]):
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            print("\n".join(done.stdout.splitlines()[-15:]), file=sys.stderr)
            raise Failure(f"{' '.join(command)} ended with {done.returncode}; its last words are above.")
    return find(environ)

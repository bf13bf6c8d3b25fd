"""Find a browser for the tests, or install one: python -m tests.browser.setup"""

import os
import shutil
import subprocess
import sys
from typing import List, Optional

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = ("Google Chrome", "Chromium")
MISSING = (
    "no Chromium or Chrome: install one (Debian, Ubuntu: apt install chromium), "
    f"or let Playwright download its own: {sys.executable} -m playwright install chromium"
)


def find() -> Optional[str]:
    """The path of Chromium or Chrome, on PATH, in macOS's applications or from Playwright; None if there is none."""
    for found in map(shutil.which, NAMES):
        if found:
            return found
    applications = [f"/Applications/{name}.app/Contents/MacOS/{name}" for name in MAC]
    return next(filter(os.path.exists, applications + [_own()]), None)


def main() -> int:
    """Try Playwright, then apt. Always returns 0: without a browser the tests fail and say why."""
    if sys.version_info < (3, 8) or find():
        return 0
    print("No Chromium or Chrome here: asking Playwright for its own", file=sys.stderr)
    if _runs([sys.executable, "-m", "playwright", "install", "chromium"]) and find():
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        print("That failed: installing the package chromium", file=sys.stderr)
        _runs(["apt-get", "update", "-qq"])
        _runs(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    print(f"Browser: {find() or MISSING}", file=sys.stderr)
    return 0


def _own() -> str:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


def _runs(command: List[str]) -> bool:
    quiet = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    return subprocess.run(command, env=quiet, stdout=sys.stderr).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

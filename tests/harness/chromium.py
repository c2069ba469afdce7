"""The browser of the browser tests: the system's Chromium, which apt brings where it may."""

import os
import shutil

from tests.harness import debian

MISSING = "no Chromium: install one (on Debian: apt install chromium) or name its program in $CHROMIUM"
# Nothing but loopback, nor anything that a fresh profile would ask its maker. Names under .example are hosts of the tests.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
]


def program() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def install() -> None:
    if not program():
        debian.install("Chromium", "chromium")

"""Debian's Apache with mod_auth_openidc: a relying party that runs in front of many Danish web sites."""

import shutil
from pathlib import Path

from tests.harness import debian

MODULES = Path("/usr/lib/apache2/modules")
MISSING = "no Apache with mod_auth_openidc (on Debian: apt install libapache2-mod-auth-openidc)"


def program() -> str | None:
    """As found where Debian puts it: /usr/sbin is not on everybody's path."""
    found = shutil.which("apache2", path="/usr/sbin:/usr/bin")
    return found if found and (MODULES / "mod_auth_openidc.so").exists() else None


def install() -> None:
    """The program without the service: apache2-bin starts nothing by itself."""
    if not program():
        debian.install("Apache with mod_auth_openidc", "libapache2-mod-auth-openidc")

"""Programs that are not to be had from a package index of Python's or npm's: apt brings them, as root and where there is apt."""

import os
import shutil
import subprocess


def install(name: str, *packages: str) -> None:
    """Says nothing about success: what is missing afterwards, the suite names."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print(f"Installing {name} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False)

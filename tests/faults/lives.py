"""The server of tests.faults.mortal, seen from outside."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.doubles.relying_party import RelyingParty
from tests.harness.ground import Ground


class Mortal:
    """One server after another, each of which may die at a point of its work."""

    def __init__(self, ground: Ground, party: RelyingParty) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mortal", party.issuer, party.client_id],
            # An answer of the core that a dead process waited for is lost at once.
            env=ground.environment(CORE_ANSWER_SECONDS="0"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.host = party.issuer.split("/")[2]
        self.url = f"http://127.0.0.1:{self._says()['port']}"

    def _says(self) -> dict[str, int | str]:
        assert self._process.stdout is not None
        said: dict[str, int | str] = json.loads(self._process.stdout.readline())
        return said

    def serve(self, point: int) -> str:
        """A new server that dies at this point, or never. Returns where the one before it died, or ""."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{point}\n")
        said = self._says()
        if "point" not in said:
            return ""
        assert "serving" in self._says()
        return str(said["point"])

    def stop(self) -> None:
        self._process.communicate(timeout=20)

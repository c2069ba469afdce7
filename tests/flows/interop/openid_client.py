"""The certified npm client openid-client, in a process of its own: it says where to send the browser, and is told where that came back."""

from __future__ import annotations

import json
import subprocess
from types import TracebackType
from typing import Any, Self

from tests.doubles.keyholder import Key
from tests.doubles.relying_party import RelyingParty
from tests.flows.interop.array import Row
from tests.flows.interop.learnt import Learnt
from tests.flows.interop.visits import Ending
from tests.harness import node


class OpenidClient:
    def __init__(self, party: RelyingParty, row: Row, key: Key | None = None, opening: Key | None = None) -> None:
        self._process = subprocess.Popen(
            [node.program(), "login.mjs"], cwd=node.CLIENTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        names = ("issuer", "client_id", "client_secret", "redirect_uri", "auth_method")
        wanted = {
            "metadata": {"openid-configuration": "oidc", "oauth-authorization-server": "oauth2"}[row.metadata],
            "alg": row.alg,
            "way": row.way,
            "pkce": row.pkce,
            "dpop": row.dpop,
            "scope": row.scopes,
            "parameters": row.parameters,
            "refresh": row.offline,
            "api": row.api,
            "jarm": row.mode.endswith("jwt"),
            "userinfo_alg": row.userinfo,
        }
        proof: dict[str, Any] = {"key": {"alg": row.proof, "jwk": key.as_dict(private=True)}} if key else {}
        if opening:
            proof["opening"] = {"alg": row.encrypted, "jwk": opening.as_dict(private=True)}
        self._tell({name: getattr(party, name) for name in names} | wanted | proof)
        self.url: str = self._says()["url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def take(self, ending: Ending) -> dict[str, Any]:
        """What it learnt, or `error` and `description`."""
        self._tell({"url": ending.address, "form": ending.form})
        return self._says()

    def learn(self, ending: Ending) -> Learnt:
        said = self.take(ending)
        assert "claims" in said, said
        return Learnt(**said)

    def _tell(self, what: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")

    def _says(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

"""Statement 24: an unknown client and a wrong secret take the same path."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from authflows.errors import JsonError
from authflows.oidc import client_authentication
from authflows.oidc.client_authentication import Credentials
from tests.authflows.test_store import at
from tests.doubles.houses import House


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a secret was hashed and a hash compared."""
    counted: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            counted[name] += 1
            return function(*arguments)

        return call

    monkeypatch.setattr(hashlib, "sha256", counting("hash", hashlib.sha256))
    monkeypatch.setattr(hmac, "compare_digest", counting("compare", hmac.compare_digest))
    return counted


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_s24_one_hash_and_one_comparison_each(method: str, fjordbank: House, calls: Counter[str], committed: None) -> None:
    known, public = fjordbank.client(auth_method=method), fjordbank.client(auth_method="none")
    issuer, _ = at(known)
    for client_id, secret in ((known.client_id, "wrong"), (known.client_id, ""), (public.client_id, "wrong"), ("nobody", "wrong")):
        calls.clear()
        with pytest.raises(JsonError):
            client_authentication.authenticate(issuer, Credentials(method, client_id, secret), "token")
        assert calls == {"hash": 1, "compare": 1}, client_id
    calls.clear()
    client_authentication.authenticate(issuer, Credentials(method, known.client_id, known.client_secret or ""), "token")
    assert calls == {"hash": 1, "compare": 1}

"""Statements 15 to 24: pushed requests, request objects, and how a client proves itself."""

from __future__ import annotations

from collections.abc import Callable

from tests.doubles.browser import Browser
from tests.doubles.newcomers import Newcomer
from tests.flows.statements.refusals import code_for

Parties = Callable[..., Newcomer]


def test_s24_an_unknown_client_and_a_wrong_secret_are_told_the_same(party: Newcomer, new_party: Parties, visitor: Browser) -> None:
    """That both take one hash and one comparison is counted in tests/authflows."""
    asked, code = code_for(party, visitor)
    body = {"grant_type": "authorization_code", "code": code, "redirect_uri": asked.redirect_uri, "code_verifier": asked.verifier}
    public = new_party(auth_method="none")
    known = (party.client_id, public.client_id)
    pairs = [*((each, "wrong") for each in known), (party.client_id, ""), ("nobody", "wrong"), ("nobody\x00", "wrong"), ("", "")]
    answers = [visitor.http.post(party.issuer + "/token", data=body, auth=pair) for pair in pairs]
    ((status, _, challenge),) = {(each.status_code, each.text, each.headers.get("WWW-Authenticate", "")) for each in answers}
    assert (status, challenge.partition(" ")[0]) == (401, "Basic")
    assert {answer.json()["error"] for answer in answers} == {"invalid_client"}
    assert party.token(asked, code).status_code == 200

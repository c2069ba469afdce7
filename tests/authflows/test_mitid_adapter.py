"""Our side of the boundary to a core: whatever it says that was not agreed is an answer that never came (security.md C.2 10)."""

from __future__ import annotations

import hmac
import json
import time
import uuid
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc.jwk import ECKey

from authflows.levels import Level
from authflows.upstream.base import Ask, Done, Ended, Form, Lost, Refused
from authflows.upstream.mitid.adapter import MitIDCore
from authflows.upstream.transport import Answer
from tests.doubles.strange_core import KEY, StrangeCore, honest, said, signed

ASK = Ask(uuid.UUID(int=7), "an environment", "Fjordbank", "log_on", "", Level.SUBSTANTIAL, "da")
SESSION = "session-1"


def core(**answers: Answer) -> MitIDCore:
    return MitIDCore(StrangeCore({name.replace("_", "-"): answer for name, answer in answers.items()}))


def finish(result: Any) -> Any:
    return core(redeem=said({"result": result})).finish(ASK, SESSION, "code")


def test_a_result_that_is_ours_is_an_identity() -> None:
    identity = finish(signed(honest(ASK, SESSION)))
    assert (identity.name, identity.ial, identity.aal, identity.simulated) == ("Agnes Automatisk", Level.HIGH, Level.SUBSTANTIAL, False)


@pytest.mark.parametrize(
    "change",
    [
        {"session": "session-2"},
        {"reference": str(uuid.UUID(int=8))},
        {"service": "another environment"},
        {"action": "approve"},
        {"level": "low"},
        {"reference_text": "Pay 1,000,000 kr."},
        {"issued_at": time.time() - 3600},
        {"issued_at": time.time() + 3600},
        {"issued_at": "now"},
        {"issued_at": None},
        {"status": "unheard-of"},
        {"status": None},
        {"person": None},
        {"person": {"uuid": "x"}},
        {"person": honest(ASK, SESSION)["person"] | {"ial": "highest"}},
        {"authenticated_at": "yesterday"},
    ],
)
def test_a_result_for_another_question_is_not_believed(change: dict[str, Any]) -> None:
    with pytest.raises(Lost):
        finish(signed(honest(ASK, SESSION, **change)))


def signed_with_the_public_key(result: dict[str, Any]) -> str:
    """RFC 8725 section 2.1: what everybody may know, used as a shared secret."""
    parts = [{"alg": "HS256"}, result]
    text = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return (text + b"." + urlsafe_b64encode(hmac.digest(KEY.as_pem(private=False), text, "sha256")).rstrip(b"=")).decode()


def test_a_result_that_the_core_did_not_sign_is_not_believed() -> None:
    result = honest(ASK, SESSION)
    other = ECKey.generate_key("P-256", private=True)
    head, _, rest = signed(result).partition(".")
    forged = [
        signed(result, other),
        signed_with_the_public_key(result),
        f"eyJhbGciOiJub25lIn0.{rest.partition('.')[0]}.",
        f"{head}.{rest[:-4]}AAAA",
        signed("[]"),
        signed("not JSON"),
        "",
        "a.b.c",
    ]
    for each in forged:
        with pytest.raises(Lost):
            finish(each)


@pytest.mark.parametrize("ending", ["rejected", "expired", "blocked", "core_cancelled"])
def test_a_result_without_an_identity_says_how_it_ended(ending: str) -> None:
    with pytest.raises(Ended) as end:
        finish(signed(honest(ASK, SESSION, status=ending, person=None)))
    assert end.value.ending == ending


GARBAGE = [
    said(b""),
    said(b"<html>Bad gateway</html>"),
    said(b"\xff\xfe"),
    said([]),
    said("text"),
    said(None),
    said({}),
    said({"session": "s"}),
    said({"session": "s", "step": "user_id", "shown": 1}),
    said({"error": "down"}, 500),
    said(b"<html>", 503),
    said(b"<html>", 404),
]


@pytest.mark.parametrize("answer", GARBAGE)
def test_garbage_is_an_answer_that_was_lost(answer: Answer) -> None:
    for ask in (
        lambda: core(sessions=answer).start(ASK),
        lambda: core(step=answer).step(ASK, SESSION, {}),
        lambda: core(redeem=answer).finish(ASK, SESSION, "code"),
    ):
        with pytest.raises(Lost):
            ask()


@pytest.mark.parametrize("answer", [*(each for each in GARBAGE if b'"s"' not in each.body), said({"error": "who are you?"}, 401)])
def test_garbage_never_means_that_nothing_is_owed(answer: Answer) -> None:
    """A look-up decides whether a request is charged: only a plain no is a no."""
    with pytest.raises(Lost):
        core(look_up=answer).look_up(ASK.reference, ASK.service)


def test_a_plain_answer_is_understood() -> None:
    assert core(look_up=said({"session": None})).look_up(ASK.reference, ASK.service) is None
    assert core(look_up=said({"session": "s"})).look_up(ASK.reference, ASK.service) == "s"
    assert core(step=said({"code": "c"})).step(ASK, SESSION, {}) == Done("c")
    assert core(step=said({"step": "user_id", "shown": {"a": 1}})).step(ASK, SESSION, {}) == Form("user_id", {"a": 1})
    with pytest.raises(Refused, match="unknown service"):
        core(sessions=said({"error": "unknown service"}, 400)).start(ASK)

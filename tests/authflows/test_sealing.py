"""Claims are opened by whoever holds the secret, and by nobody else."""

from __future__ import annotations

import secrets

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from authflows import sealing
from authflows.login import Browser

CLAIMS = st.dictionaries(st.text(max_size=10), st.none() | st.booleans() | st.integers() | st.text(max_size=20), max_size=5)


@given(CLAIMS, st.text(min_size=1, max_size=50))
def test_what_was_sealed_is_opened_by_the_same_secret(claims: dict[str, object], secret: str) -> None:
    assert sealing.unseal(sealing.seal(claims, secret, "code"), secret, "code") == claims


def test_nothing_of_the_claims_can_be_read() -> None:
    sealed = sealing.seal({"name": "Agnes Automatisk"}, "secret", "code")
    assert b"Agnes" not in sealed
    assert sealed != sealing.seal({"name": "Agnes Automatisk"}, "secret", "code")


@pytest.mark.parametrize(("secret", "purpose"), [("another", "code"), ("secret", "access-token"), ("", "code")])
def test_another_secret_or_purpose_opens_nothing(secret: str, purpose: str) -> None:
    with pytest.raises(InvalidTag):
        sealing.unseal(sealing.seal({"a": 1}, "secret", "code"), secret, purpose)


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    sealed = sealing.seal({"name": "Agnes"}, "secret", "code")
    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:place] + bytes([sealed[place] ^ data.draw(st.integers(1, 255))]) + sealed[place + 1 :]
    with pytest.raises(InvalidTag):
        sealing.unseal(changed, "secret", "code")


def test_a_browser_s_half_makes_the_same_code_again_and_gives_nothing_else_away() -> None:
    browser = Browser.fresh()
    again = Browser(browser.handle, browser.secret)
    made = [browser.code, browser.form_token, browser.secret, browser.handle]
    assert (again.code, again.form_token) == (browser.code, browser.form_token)
    assert len(set(made)) == 4
    assert len(browser.handle) == 22
    assert len(browser.code) == 43
    other = Browser(secrets.token_urlsafe(16), browser.secret)
    assert not {other.code, other.form_token} & set(made)
    assert browser.owns(browser.form_token)
    assert not browser.owns(other.form_token)
    assert not browser.owns("")
    assert not browser.owns("æ")

"""Relying parties of other people's making, over HTTP, through every row of the array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey
from playwright.sync_api import BrowserContext, Page

from tests.doubles.browser import Browser
from tests.doubles.houses import Books, House
from tests.doubles.keyholder import Key, KeyHolder, new_key, public_set
from tests.doubles.relying_party import RelyingParty
from tests.flows.interop import authlib, oidc_client_ts
from tests.flows.interop.array import Row
from tests.flows.interop.learnt import as_asked
from tests.flows.interop.oidc_client_ts import app
from tests.flows.interop.openid_client import OpenidClient
from tests.flows.interop.rows import ROWS
from tests.flows.interop.visits import through
from tests.harness.browser import Watch
from tests.harness.server import Server


def key_of(row: Row) -> Key | None:
    if row.proof in ("RS256", "PS256"):
        return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
    return new_key() if row.proof else None


def opening_key_of(row: Row) -> Key | None:
    if row.encrypted == "RSA-OAEP-256":
        return RSAKey.generate_key(2048, {"kid": "open", "use": "enc", "alg": row.encrypted})
    return ECKey.generate_key("P-256", {"kid": "open", "use": "enc", "alg": row.encrypted}) if row.encrypted else None


@dataclass(frozen=True)
class Keys:
    """A client's own: what it proves itself with, and what it opens what is encrypted for it with."""

    signing: Key | None
    opening: Key | None


def registered(row: Row, house: House, **more: Any) -> tuple[RelyingParty, Keys]:
    keys = Keys(key_of(row), opening_key_of(row))
    scopes = ("openid", "profile", "mitid", *(["offline_access"] if row.offline else []), *row.api.split())
    wanted: dict[str, Any] = {"scopes": scopes, "access_token_format": row.access_token, **more}
    # What a row does it also has to do.
    wanted |= {"par_required": row.way == "pushed", "request_object_required": row.way == "signed", "dpop_required": bool(row.dpop)}
    if row.fapi:
        wanted["fapi"] = True
    if row.pkce != "S256":
        wanted["pkce"] = row.pkce
    wanted |= {"id_token_encryption": row.encrypted, "userinfo_alg": row.userinfo}
    wanted["userinfo_encryption"] = row.encrypted if row.userinfo else ""
    if public := [key for key in (keys.signing, keys.opening) if key is not None]:
        wanted["jwks"] = public_set(*public)
    return house.client(auth_method=row.auth, id_token_alg=row.alg, **wanted), keys


def known_before(row: Row, party: RelyingParty, keys: Keys, visitor: Browser) -> None:
    """Who is not to be asked has a session."""
    if row.prompt != "none":
        return
    visitor.remembers = True
    asked = party.ask(acr_values=row.acr_values or None)
    if keys.signing is not None and row.way == "signed":
        holder = KeyHolder(party, keys.signing)
        asked = holder.by_object(asked, holder.request_object(asked))
    elif row.way == "pushed":
        wanted = {"acr_values": row.acr_values or None}
        asked = KeyHolder(party, keys.signing).pushed(**wanted)[0] if keys.signing is not None else party.push(asked)
    visitor.login(asked)


def rows(client: str) -> list[Any]:
    return [pytest.param(row, id=str(number)) for number, row in enumerate(ROWS) if row.client == client]


@pytest.mark.parametrize("row", rows("openid-client"))
def test_openid_client(row: Row, fjordbank: House, visitor: Browser, books: Books) -> None:
    party, keys = registered(row, fjordbank)
    known_before(row, party, keys, visitor)
    with OpenidClient(party, row, keys.signing, keys.opening) as client:
        as_asked(row, client.learn(through(visitor, client.url, locale=row.locale)), party)
    assert books.of(party).agreed == 1


@pytest.mark.parametrize("row", rows("Authlib"))
def test_authlib(row: Row, fjordbank: House, visitor: Browser, books: Books) -> None:
    party, keys = registered(row, fjordbank)
    known_before(row, party, keys, visitor)
    as_asked(row, authlib.login(row, party, keys.signing, keys.opening, visitor), party)
    assert books.of(party).agreed == 1


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with app() as address:
        yield address


@pytest.fixture
def page(context: BrowserContext, watch: Callable[[BrowserContext], Watch]) -> Page:
    watch(context)
    return context.new_page()


@pytest.mark.parametrize("row", rows("oidc-client-ts"))
def test_oidc_client_ts(row: Row, fjordbank: House, origin: str, page: Page, server: Server, books: Books) -> None:
    party, _ = registered(row, fjordbank, redirect_uris=(f"{origin}/callback",), application_type="spa", origins=(origin,))
    as_asked(row, oidc_client_ts.login(row, party, page), party)
    assert books.of(party).agreed == 1


USUAL = Row("openid-client")


def test_openid_client_is_told_that_the_person_rejected(party: RelyingParty, visitor: Browser) -> None:
    with OpenidClient(party, USUAL) as client:
        told = client.take(through(visitor, client.url, user_id="auto-reject"))
    assert (told["error"], told["description"]) == ("access_denied", "mitid_rejected_in_app")


def test_openid_client_refuses_an_answer_of_another_issuer(party: RelyingParty, havneby: House, visitor: Browser) -> None:
    """RFC 9207: what `iss` is for."""
    with OpenidClient(party, USUAL) as client:
        ending = through(visitor, client.url)
        mixed_up = str(httpx.URL(ending.address).copy_set_param("iss", havneby.client().issuer))
        assert "claims" not in client.take(replace(ending, address=mixed_up))

"""oidc-client-ts in a page of a real browser: a public client on an origin of its own, which reads answers only where CORS lets it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Page

from tests.doubles.relying_party import RelyingParty
from tests.flows.interop.array import Row
from tests.flows.interop.learnt import Learnt
from tests.harness import node

LIBRARY = node.CLIENTS / "node_modules" / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.min.js"
DOCUMENT = '<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><script src="/library.js"></script><h1>App</h1>'
BEGIN = "settings => { new oidc.UserManager(made(settings)).signinRedirect() }"
MADE = """
window.made = settings => ({
  ...settings,
  automaticSilentRenew: false,
  // It has no proof of possession for userinfo; an application makes that one itself.
  loadUserInfo: !settings.dpop,
  userStore: new oidc.WebStorageStateStore({ store: sessionStorage }),
  dpop: settings.dpop ? { bind_authorization_code: true, store: new oidc.IndexedDbDPoPStore() } : undefined,
})
"""
FINISH = """async ({ settings, refresh }) => {
  const manager = new oidc.UserManager(made(settings))
  const user = await manager.signinRedirectCallback()
  const first = { ...user, profile: { ...user.profile } }
  if (settings.dpop) {
    const address = await manager.metadataService.getUserInfoEndpoint()
    const headers = { Authorization: `DPoP ${user.access_token}`, DPoP: await manager.dpopProof(address, user, "GET") }
    Object.assign(first.profile, await (await fetch(address, { headers })).json())
  }
  const again = refresh ? await manager.signinSilent() : null
  const tokens = ({ access_token, id_token, refresh_token, scope, token_type }) =>
    ({ access_token, id_token, scope, token_type, ...(refresh_token && { refresh_token }) })
  return { tokens: tokens(first), claims: first.profile, refreshed: again && tokens(again) }
}"""


class Files(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        library = self.path == "/library.js"
        body = LIBRARY.read_bytes() + MADE.encode() if library else DOCUMENT.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript" if library else "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def app() -> Iterator[str]:
    """Its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def settings(row: Row, party: RelyingParty) -> dict[str, Any]:
    return {
        "authority": party.issuer,
        "client_id": party.client_id,
        "redirect_uri": party.redirect_uri,
        "scope": row.scopes,
        "filterProtocolClaims": False,
        **{name: value for name, value in row.parameters.items() if name != "claims"},
        "extraQueryParams": {name: value for name, value in row.parameters.items() if name == "claims"},
        "dpop": bool(row.dpop),
        "disablePKCE": row.pkce != "S256",
    }


def login(row: Row, party: RelyingParty, page: Page) -> Learnt:
    wanted = settings(row, party)
    if row.prompt == "none":
        page.goto(party.ask(acr_values=row.acr_values or None).url)
        _identify(page, party)
    page.goto(party.redirect_uri.removesuffix("/callback"))
    page.evaluate(BEGIN, wanted)
    if row.prompt != "none":
        _identify(page, party, row.locale)
    page.wait_for_url(f"{party.redirect_uri}?**")
    said = page.evaluate(FINISH, {"settings": wanted, "refresh": row.offline})
    return Learnt(userinfo=said["claims"], **said)


def _identify(page: Page, party: RelyingParty, locale: str = "") -> None:
    page.wait_for_selector('.sim[data-step="user_id"]')
    if locale:
        assert page.locator("html").get_attribute("lang") == locale
    page.fill("#user_id", "auto-approve")
    page.click("form.step button.go")
    page.wait_for_url(f"{party.redirect_uri}?**")

"""*Try login*: the portal's own authorization request for a client, marked so and bound to one redirect_uri and challenge.

The portal signs the request; nobody else can name the portal's redirect_uri for a client of somebody else.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.core import signing

from authflows.configuration import base_url
from authflows.oidc import apis
from authflows.oidc.parameters import Parameters

SECONDS = 300
CALLBACK = "/try/callback"
_signer = signing.TimestampSigner(salt="trial")


def redirect_uri() -> str:
    return base_url() + CALLBACK


def query(client_id: str, scope: str, state: str, nonce: str, challenge: str, acr_values: str = "") -> str:
    """The query of a trial's authorization request. Nobody would keep a refresh token: it asks for none, nor for what is no person's."""
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri(),
        "scope": " ".join(each for each in scope.split() if each not in {"offline_access", *apis.SCOPES}),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "trial": _signer.sign_object([client_id, state, challenge]),
    }
    return urlencode(parameters | ({"acr_values": acr_values} if acr_values else {}))


def trial_redirect(client_id: str, parameters: Parameters) -> bool:
    """Whether this is a trial that the portal signed, for the portal's own redirect_uri."""
    if "trial" not in parameters or parameters.get("redirect_uri") != redirect_uri():
        return False
    try:
        signed = _signer.unsign_object(parameters.get("trial"), max_age=SECONDS)
    except signing.BadSignature:
        return False
    return bool(signed == [client_id, parameters.get("state"), parameters.get("code_challenge")])

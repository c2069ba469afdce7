"""The array as a table. `python -m tests.flows.interop.matrix` writes docs/interoperability.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.flows.interop.array import FACTORS, Row
from tests.flows.interop.learnt import LEVELS
from tests.flows.interop.rows import ROWS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "interoperability.md"


def _by_openid_client(members: Callable[[Row], set[str]]) -> Callable[[Row], set[str]]:
    return lambda row: members(row) if row.client == "openid-client" else set()


# Lists in discovery that the array is made of: which of their members a row asks for, or a client that reads discovery goes by.
ASKED_BY: Mapping[str, Callable[[Row], set[str]]] = {
    "response_modes_supported": lambda row: {row.mode},
    "grant_types_supported": lambda row: {
        "authorization_code",
        *(["refresh_token"] if row.offline else []),
        *(["client_credentials"] if row.api else []),
    },
    "id_token_signing_alg_values_supported": lambda row: {row.alg},
    "token_endpoint_auth_methods_supported": lambda row: {row.auth},
    "token_endpoint_auth_signing_alg_values_supported": lambda row: {row.proof},
    "introspection_endpoint_auth_methods_supported": _by_openid_client(lambda row: {row.auth}),
    "introspection_endpoint_auth_signing_alg_values_supported": _by_openid_client(lambda row: {row.proof}),
    "revocation_endpoint_auth_methods_supported": _by_openid_client(lambda row: {row.auth}),
    "revocation_endpoint_auth_signing_alg_values_supported": _by_openid_client(lambda row: {row.proof}),
    "request_object_signing_alg_values_supported": lambda row: {row.proof} if row.way == "signed" else set(),
    "authorization_signing_alg_values_supported": lambda row: {row.alg} if row.mode.endswith("jwt") else set(),
    "userinfo_signing_alg_values_supported": lambda row: {row.userinfo},
    "userinfo_encryption_alg_values_supported": lambda row: {row.encrypted} if row.userinfo else set(),
    "id_token_encryption_alg_values_supported": lambda row: {row.encrypted},
    "dpop_signing_alg_values_supported": lambda row: {row.dpop},
    "code_challenge_methods_supported": lambda row: {row.pkce},
    "acr_values_supported": lambda row: {row.acr_values or LEVELS[1]},
    "ui_locales_supported": lambda row: {row.locale},
    "prompt_values_supported": lambda row: {row.prompt},
}


def document() -> str:
    names = list(FACTORS)
    lines = [
        "# Real clients",
        "",
        "Made by `python -m tests.flows.interop.matrix` from the rows that `tests/flows/interop` drives over HTTP: openid-client (npm),",
        "oidc-client-ts (npm, in a browser, on an origin of its own) and Authlib. Every two values that can meet do in some row. Debian's",
        "mod_auth_openidc has a test of its own in `tests/browser`.",
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
        *(f"| {number} | {' | '.join(_cell(getattr(row, name)) for name in names)} |" for number, row in enumerate(ROWS)),
    ]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return ("yes" if value else "") if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    DOCUMENT.write_text(document())

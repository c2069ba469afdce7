"""What discovery advertises, and what exercises it. `python -m tests.flows.interop.matrix` writes docs/interoperability.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.flows.interop.array import FACTORS, ROWS, Row
from tests.flows.interop.learnt import LEVELS, PROTOCOL, told

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "interoperability.md"
GOLDEN = ROOT / "tests" / "golden" / "discovery.json"

# Which members of a list a row of the array exercises.
BY_ROWS: Mapping[str, Callable[[Row], set[str]]] = {
    "response_types_supported": lambda row: {"code"},
    "response_modes_supported": lambda row: {"query"},
    "grant_types_supported": lambda row: {"authorization_code", *(["refresh_token"] if row.offline else [])},
    "subject_types_supported": lambda row: {"public"},
    "id_token_signing_alg_values_supported": lambda row: {row.alg},
    "token_endpoint_auth_methods_supported": lambda row: {row.auth},
    "introspection_endpoint_auth_methods_supported": lambda row: {row.auth} if row.client == "openid-client" else set(),
    "revocation_endpoint_auth_methods_supported": lambda row: {row.auth} if row.client == "openid-client" else set(),
    "code_challenge_methods_supported": lambda row: {"S256"},
    "scopes_supported": lambda row: set(row.scopes.split()),
    "claims_supported": lambda row: PROTOCOL | told(row),
    "acr_values_supported": lambda row: {row.acr_values or LEVELS[1]},
    "ui_locales_supported": lambda row: {row.locale} - {""},
    "prompt_values_supported": lambda row: {row.prompt} - {""},
    "authorization_response_iss_parameter_supported": lambda row: {"true"} if row.client == "openid-client" else set(),
}
# Members that no client of the array can ask for: the test that does.
ELSEWHERE: Mapping[tuple[str, str], str] = {
    (
        "prompt_values_supported",
        "none",
    ): "tests/flows/statements/test_authorization.py::test_s12_prompt_none_without_a_session_is_an_error_and_no_page",
}


def advertised(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every member of every list, and every switch that is on."""
    for name, value in metadata.items():
        if isinstance(value, list):
            yield from ((name, member) for member in value)
        elif value is True:
            yield name, "true"


def exercising(name: str, member: str) -> list[str]:
    """Row numbers, else the test elsewhere; nothing where nothing does."""
    by_rows = BY_ROWS.get(name)
    numbers = [str(number) for number, row in enumerate(ROWS) if by_rows and member in by_rows(row)]
    return numbers or [ELSEWHERE[name, member]] if (name, member) in ELSEWHERE or numbers else []


def exists(test: str) -> bool:
    path, _, name = test.partition("::")
    return bool(re.search(rf"^def {re.escape(name)}\(", (ROOT / path).read_text(), re.MULTILINE))


def document(metadata: Mapping[str, Any]) -> str:
    names = list(FACTORS)
    lines = [
        "# Real clients, and what discovery advertises",
        "",
        "Made by `python -m tests.flows.interop.matrix`. A test fails when it is out of date, and when discovery advertises what nothing",
        "exercises.",
        "",
        "## Rows",
        "Every two values that can meet do in some row.",
        "",
        f"| | {' | '.join(names)} |",
        f"|---|{'---|' * len(names)}",
        *(f"| {number} | {' | '.join(_cell(getattr(row, name)) for name in names)} |" for number, row in enumerate(ROWS)),
        "",
        "## Advertised",
        "| member | rows, or test |",
        "|---|---|",
    ]
    for name, member in advertised(metadata):
        lines.append(f"| `{name}`: `{member}` | {' '.join(exercising(name, member))} |")
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return {True: "yes", False: ""}[value] if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    DOCUMENT.write_text(document(json.loads(GOLDEN.read_text())))

"""The statements with their tests. `python -m tests.flows.statements.table` writes docs/statements.md."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.flows.statements.dialects import DIALECTS

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "statements.md"
NAMED = re.compile(r"test_s(\d\d)_")
# Fixtures that come once for each dialect.
PER_DIALECT = {"dialect", "party", "new_party", "holder", "new_holder", "leaving", "foreign"}
STATEMENTS = {
    1: "An unregistered redirect_uri gives an error page, never a redirect",
    2: "A redirect_uri is compared exactly: case, slash, query, fragment, encoding, port, host",
    3: "http is refused on registration except on loopback",
    4: "PKCE is required; `plain` is refused",
    5: "A verifier without an earlier challenge is refused",
    6: "A wrong or missing verifier is refused",
    7: "`response_type=token` and its like, and the password grant, are refused",
    8: "Every answer carries `iss`, equal to discovery's issuer; errors too",
    9: "No CORS at the authorization endpoint",
    10: "No 307 after a form was posted",
    11: "A login page has a Referrer-Policy and loads nothing of others",
    12: "`prompt=none` without a session is an error without a page",
    13: "`max_age` forces a fresh login and sets `auth_time`",
    14: "Repeated parameters are refused",
    15: "A pushed request needs client authentication",
    16: "A request_uri belongs to its client",
    17: "A request_uri expires, and is used when a login ends, not when a page is visited",
    18: "A request_uri cannot be pushed; a foreign one is never fetched",
    19: "A request object with a bad signature, `none`, bad audience, expired or too long-lived is refused",
    20: "A FAPI client's assertion names the issuer alone as its audience",
    21: "An assertion 8 s ahead is accepted, more than 60 s is not",
    22: "An assertion is good once",
    23: "A client that must push cannot ask in the query",
    24: "An unknown client and a wrong secret take the same path",
    25: "A code used twice fails, and what it gave is revoked",
    26: "A code lives for 60 s at most",
    27: "A code belongs to its client and redirect_uri",
    28: "Of 40 redemptions at once exactly one succeeds",
    29: "A replayed refresh token ends its family; refresh tokens expire absolutely",
    30: "`none`, HS256 with a public key and foreign keys are refused wherever a JWT comes in",
    31: "An id_token is no access token, and the other way round",
    32: "A test token means nothing in production, one tenant's nothing to another",
    33: "An old signing key stays published through a rotation",
    34: "Token, userinfo and PAR answers are `no-store`",
    35: "Logging out without a valid id_token_hint asks, and never redirects",
    36: "An unregistered post_logout_redirect_uri is refused",
    37: "A modified id_token_hint is refused",
    38: "Back-channel logout reaches every client of the session; its token is typed, has events, no nonce, a short life",
}


def tests_of(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Number, name and whether it runs in each dialect, of every test that is named after a statement."""
    for part in ast.parse(path.read_text()).body:
        if isinstance(part, ast.FunctionDef) and (named := NAMED.match(part.name)):
            yield int(named[1]), part.name, bool({argument.arg for argument in part.args.args} & PER_DIALECT)


def found() -> dict[int, list[tuple[str, bool]]]:
    tests: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number, name, each in tests_of(path):
            tests[number].append((f"{path.relative_to(ROOT / 'tests').as_posix()}::{name}", each))
    return tests


def document() -> str:
    tests = found()
    lines = [
        "# What the provider is judged by",
        "",
        "Made by `python -m tests.flows.statements.table` from the tests' names, which are below `tests/`; a test fails when it is out of",
        "date or a statement has no test. A dialect changes names and shapes, never a check: a tick says that the test runs in it.",
        "",
        f"| | statement | test | {' | '.join(DIALECTS)} |",
        f"|---|---|---|{'---|' * len(DIALECTS)}",
    ]
    for number, statement in STATEMENTS.items():
        for place, (name, each) in enumerate(tests[number]):
            first = (str(number), statement) if place == 0 else ("", "")
            ticks = ["✓" if each or dialect == "native" else "" for dialect in DIALECTS]
            lines.append(f"| {' | '.join((*first, f'`{name}`', *ticks))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document())

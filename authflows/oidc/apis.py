"""Our own API for relying parties, as OAuth 2.0 sees it: its addresses below an issuer, and the scope that a token needs for each."""

from __future__ import annotations

NEEDED = {"simulator/identities": "simulator_identities"}
SCOPES = frozenset(NEEDED.values())

"""Which dialects there are."""

from __future__ import annotations

from authflows.oidc.dialects import idura, native, neb, signicat
from authflows.oidc.dialects.dialect import Dialect

DIALECTS: dict[str, Dialect] = {"native": native, "idura": idura, "neb": neb, "signicat": signicat}

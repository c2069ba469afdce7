"""Greenlandic: the official names of authenticators, and nothing that nobody official has written. All else of such a page is Danish.

The page says so to people (loginbox/base.html) and to their software: its body is `lang="da"`, each of these names `lang="kl"`.
"""

from __future__ import annotations

import re

# As MitID's marketing rules give them, without MitID's mark (domain facts 1.3); locale/kl has them by their English names.
NAMES = ("Kode isisstut", "Kodenik nuisitsivik", "Kodenik atuaasartoq")
NAME = re.compile(rf">(\s*)({'|'.join(NAMES)})(\s*)<")


def marked(html: str, language: str) -> str:
    return NAME.sub(r'>\1<span lang="kl">\2</span>\3<', html) if language == "kl" else html

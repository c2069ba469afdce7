"""What attackers and careless relying parties ask for."""

from __future__ import annotations

# Each of them looks like the registered address to somebody.
NEAR_MISSES = [
    "https://netbank.fjordbank.example/Callback",
    "https://netbank.fjordbank.example/callback/",
    "https://netbank.fjordbank.example/callback?a=b",
    "https://netbank.fjordbank.example/callback?",
    "https://netbank.fjordbank.example/callback#a",
    "https://netbank.fjordbank.example/callback%20",
    "https://netbank.fjordbank.example/callback ",
    " https://netbank.fjordbank.example/callback",
    "https://netbank.fjordbank.example/callback\n",
    "https://netbank.fjordbank.example/%63allback",
    "https://netbank.fjordbank.example/a/../callback",
    "https://netbank.fjordbank.example//callback",
    "https://netbank.fjordbank.example/call%2fback",
    "https://netbank.fjordbank.example\\callback",
    "https://netbank.fjordbank.example:443/callback",
    "https://netbank.fjordbank.example:8443/callback",
    "http://netbank.fjordbank.example/callback",
    "HTTPS://netbank.fjordbank.example/callback",
    "https://NETBANK.fjordbank.example/callback",
    "https://netbank.fjordbank.example./callback",
    "https://x.netbank.fjordbank.example/callback",
    "https://netbank.fjordbank.example.attacker.example/callback",
    "https://netbank.fjordbank.example@attacker.example/callback",
    "https://attacker.example/callback?https://netbank.fjordbank.example/callback",
    "//netbank.fjordbank.example/callback",
    "/callback",
    "javascript:alert(1)",
    "https://netbank.fjordbank.example/callback\x00",
]

WITHOUT_PKCE: list[dict[str, str | None]] = [
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge": None},
    {"code_challenge_method": None},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": "s256"},
    {"code_challenge": "x" * 42},
]

OTHER_RESPONSES = ["token", "id_token", "id_token token", "code token", "code id_token", "code id_token token", "none"]

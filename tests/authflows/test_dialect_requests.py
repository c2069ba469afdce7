"""How each dialect's requests are read: their words become ours, what is not offered is refused by name, and nothing else is touched."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authflows.levels import Level
from authflows.oidc.dialects.dialect import QUERY, Reading, Unreadable, Way
from authflows.oidc.dialects.registry import DIALECTS
from authflows.oidc.parameters import Parameters

PUSHED = Way(confidential=True, signed=True)
CPR = "7204851234"  # of the replacement series
MITID_UUID = "74ffcd31-fbaf-4c33-bdac-169f25c1e416"
ALLOWED = frozenset(("openid", "profile", "mitid", "ssn"))


def parameters(**sent: str) -> Parameters:
    return Parameters({name: value for name, value in sent.items() if value}, frozenset())


def read(dialect: str, way: Way = QUERY, **sent: str) -> Reading:
    return DIALECTS[dialect].read(parameters(**sent), way)


def scope(dialect: str, sent: str, allowed: frozenset[str] = ALLOWED, **more: str) -> set[str]:
    """The scopes that the checks see."""
    asked = parameters(scope=sent, **more)
    return set(DIALECTS[dialect].read(asked, QUERY).applied(asked, allowed).get("scope").split())


def refused(dialect: str, way: Way = QUERY, **sent: str) -> str:
    with pytest.raises(Unreadable) as refusal:
        read(dialect, way, **sent)
    return str(refusal.value)


def text(plain: str) -> str:
    return b64encode(plain.encode()).decode()


def mitid(**members: object) -> str:
    return json.dumps({"mitid": members})


# Levels


@pytest.mark.parametrize("level", Level)
def test_levels(level: Level) -> None:
    assert read("idura", acr_values=f"urn:grn:authn:dk:mitid:{level.word}").acr_values == level.uri
    assert read("neb", idp_params=mitid(loa_value=level.word)).acr_values == level.uri
    assert read("signicat", acr_values=f"idp:mitid loa:{level.word}").acr_values == level.word
    assert read("native", acr_values=level.uri).acr_values == level.uri


def test_neb_s_aal_counts_where_no_loa_is_named() -> None:
    assert read("neb", idp_params=mitid(aal_value="high")).acr_values == Level.HIGH.uri
    assert read("neb", idp_params=mitid(aal_value="high", loa_value="low")).acr_values == Level.LOW.uri


def test_idura_s_level_may_stand_in_the_hint() -> None:
    assert read("idura", login_hint="acr_values:urn:grn:authn:dk:mitid:high").acr_values == Level.HIGH.uri


@pytest.mark.parametrize("dialect", DIALECTS)
def test_our_own_words_are_understood_in_every_dialect(dialect: str) -> None:
    """The portal's own trial is written in them."""
    assert read(dialect, acr_values="high").acr_values == "high"
    assert scope(dialect, "openid profile mitid") == {"openid", "profile", "mitid"}


# Methods


@pytest.mark.parametrize(
    ("dialect", "name", "value"),
    [
        ("idura", "acr_values", "urn:grn:authn:se:bankid urn:age-verification"),
        ("neb", "idp_values", "mobilepay eboks"),
        ("neb", "idp_values", "mitid nemid"),
        ("signicat", "acr_values", "idp:sbid"),
    ],
)
def test_a_login_with_something_else_than_asked_for_never_happens(dialect: str, name: str, value: str) -> None:
    assert refused(dialect, QUERY, **{name: value}).startswith(name)


@pytest.mark.parametrize(
    ("dialect", "name", "value"),
    [
        ("idura", "acr_values", "urn:grn:authn:se:bankid urn:grn:authn:dk:mitid:low"),
        ("idura", "login_hint", "business_optional"),
        ("neb", "idp_values", "mobilepay mitid"),
        ("signicat", "acr_values", "idp:mitid unheard:of"),
    ],
)
def test_one_method_that_is_offered_is_enough(dialect: str, name: str, value: str) -> None:
    read(dialect, QUERY, **{name: value})


BOTH = ("private", "business")
ALLOWED_TOO = json.dumps({"mitid_erhverv": {"allow_private": True}})


@pytest.mark.parametrize(
    ("dialect", "sent", "identities"),
    [
        ("idura", {"acr_values": "urn:grn:authn:dk:mitid:business"}, ("business",)),
        ("idura", {"acr_values": "urn:grn:authn:dk:mitid:business urn:grn:authn:dk:mitid:low"}, BOTH),
        ("idura", {"acr_values": "urn:grn:authn:dk:mitid:low"}, ()),
        ("idura", {"login_hint": "business vatid:DK13748136"}, ("business",)),
        ("idura", {"login_hint": "business_optional"}, BOTH),
        ("neb", {"idp_values": "mitid_erhverv"}, ("business",)),
        ("neb", {"idp_values": "mitid_erhverv", "idp_params": ALLOWED_TOO}, BOTH),
        ("neb", {"idp_values": "mitid_erhverv mitid"}, BOTH),
        ("neb", {"idp_values": "mitid", "idp_params": ALLOWED_TOO}, ("private",)),
        ("neb", {}, ()),
        ("signicat", {"acr_values": "idp:mitid"}, ()),
    ],
)
def test_which_kind_of_identity_is_asked_for(dialect: str, sent: dict[str, str], identities: tuple[str, ...]) -> None:
    assert read(dialect, QUERY, **sent).identities == identities


# Scopes


def test_idura_gives_what_the_client_is_set_to_where_only_openid_is_asked() -> None:
    assert scope("idura", "openid") == {"openid", "profile", "mitid", "ssn"}
    assert scope("idura", "openid", frozenset(("openid", "profile"))) == {"openid", "profile"}
    assert scope("idura", "openid address") == {"openid", "profile", "mitid", "address"}
    assert scope("idura", "openid", login_hint="scope:address") == {"openid", "profile", "mitid", "address"}
    assert scope("idura", "openid is_over_18 birthdate") == {"openid", "profile", "mitid", "age_over:18"}


def test_neb_s_mitid_tells_the_name_too() -> None:
    assert scope("neb", "openid mitid") == {"openid", "mitid", "profile"}
    assert scope("neb", "openid") == {"openid"}
    assert scope("neb", "openid ssn nemid.pid nemlogin age_verify:18 age_over:65") == {
        *("openid", "ssn", "nemid_pid", "business", "profile", "age_over:18", "age_over:65")
    }
    assert scope("neb", "openid mitid", frozenset(("openid", "mitid", "risk"))) == {"openid", "mitid", "risk"}


def test_signicat_s_scopes() -> None:
    assert scope("signicat", "openid profile idp-id nin mitid-extra") == {"openid", "profile", "mitid", "ssn"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_scope_that_no_dialect_knows_reaches_the_check_as_it_is(dialect: str) -> None:
    assert "transaction_token" in scope(dialect, "openid transaction_token")


# What is shown to the person


@pytest.mark.parametrize("action", ["log_on", "approve", "confirm", "accept", "sign"])
def test_actions(action: str) -> None:
    theirs = "login" if action == "log_on" else action
    assert read("idura", login_hint=f"action:{theirs}").action == action
    assert read("neb", idp_params=mitid(action_text=action.upper())).action == action
    assert read("native", action=action).action == action
    assert refused("native", action="dance") == "action: one of log_on, approve, confirm, accept, sign"
    assert refused("idura", login_hint="action:dance") == "login_hint action: unknown"
    assert refused("neb", idp_params=mitid(action_text="DANCE")).startswith("idp_params action_text")


@pytest.mark.parametrize("plain", ["Betal 100 kr. til Åse", "x" * 130, "?>?>"])
def test_reference_texts(plain: str) -> None:
    either = urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    assert read("idura", login_hint=f"message:{either} action:sign").reference_text == plain
    assert read("idura", login_hint=f"message:{text(plain)}").reference_text == plain
    assert read("neb", idp_params=mitid(reference_text=text(plain))).reference_text == plain
    assert read("signicat", PUSHED, acr_values=f"idp:mitid mitid_reference_text:{text(plain)}").reference_text == plain
    assert read("native", reference_text=plain).reference_text == plain


@pytest.mark.parametrize(
    "bad", [text("x" * 131), "!!!!", text("<b>"), text("100 %"), text("a\nb"), text("a\u202eb"), b64encode(b"\xff\xfe").decode(), "a"]
)
def test_a_text_that_the_box_cannot_show_is_refused(bad: str) -> None:
    for answer in (refused("idura", login_hint=f"message:{bad}"), refused("neb", idp_params=mitid(reference_text=bad))):
        assert answer.startswith(("login_hint message: ", "idp_params reference_text: "))


def test_signicat_takes_a_text_only_from_a_request_that_the_client_signed() -> None:
    acr_values = f"idp:mitid mitid_reference_text:{text('Betal')}"
    assert "signed" in refused("signicat", acr_values=acr_values)
    assert "signed" in refused("signicat", Way(confidential=True), acr_values=acr_values)
    assert read("signicat", Way(signed=True), acr_values=acr_values).reference_text == "Betal"
    assert "more than once" in refused("signicat", PUSHED, acr_values=acr_values + acr_values[9:])


def test_neb_s_language_parameter() -> None:
    assert read("neb", language="da").ui_locales == "da"
    assert read("neb", ui_locales="en").ui_locales == "en"


# Who is expected

CPR_SENT = [
    ("native", {"login_hint": CPR}),
    ("native", {"login_hint": "720485-1234"}),
    ("idura", {"login_hint": f"action:login sub:{CPR}"}),
    ("idura", {"login_hint": CPR}),
    ("idura", {"login_hint": f"person:{CPR}"}),
    ("neb", {"idp_params": mitid(cpr_hint=CPR)}),
    ("neb", {"login_hint": CPR}),
    ("signicat", {"login_hint": CPR}),
]


@pytest.mark.parametrize(("dialect", "sent"), CPR_SENT)
def test_a_cpr_number_is_taken_in_confidence_only(dialect: str, sent: dict[str, str]) -> None:
    for way in (QUERY, Way(signed=True)):
        answer = refused(dialect, way, **sent)
        assert "a CPR number is taken only from a pushed or an encrypted request" in answer
        assert CPR not in answer
    hints = read(dialect, Way(confidential=True), **sent).hints
    assert hints.cpr == CPR
    assert CPR not in repr(hints)


@pytest.mark.parametrize(("dialect", "sent"), [("idura", {"login_hint": "sub:nobody"}), ("neb", {"idp_params": mitid(cpr_hint="1")})])
def test_what_was_meant_as_a_cpr_number_is_refused_whatever_it_is(dialect: str, sent: dict[str, str]) -> None:
    assert "taken only from" in refused(dialect, QUERY, **sent)
    assert "not a CPR number" in refused(dialect, PUSHED, **sent)


def test_a_known_person_may_be_named() -> None:
    for hints in (
        read("idura", login_hint=f"uuid:{MITID_UUID.upper()}").hints,
        read("neb", idp_params=mitid(uuid_hint=MITID_UUID)).hints,
        read("native", login_hint=MITID_UUID).hints,
    ):
        assert hints.mitid_uuid == MITID_UUID
    assert refused("idura", login_hint="uuid:somebody") == "login_hint uuid: not a UUID"
    assert refused("neb", idp_params=mitid(uuid_hint="somebody")) == "idp_params uuid_hint: not a UUID"


@pytest.mark.parametrize(
    "hint", ["somebody@fjordbank.example", "4512345678", "vatid:DK88000018", "appswitch:ios", "css_path:/a.css?b=c", "country:DK"]
)
def test_a_hint_that_helps_nobody_hurts_nobody(hint: str) -> None:
    assert read("idura", login_hint=hint) == read("idura")


# idp_params


@pytest.mark.parametrize(
    "value",
    [
        *(
            "{",
            "[]",
            "1",
            '""',
            "null",
            '{"mitid": []}',
            '{"mitid": {"loa_value": "low", "loa_value": "high"}}',
            "[" * 5000,
            '{"mitid": ' + "9" * 5000 + "}",
        ),
        *(mitid(loa_value="highest"), mitid(loa_value=1), mitid(enable_step_up="perhaps"), mitid(unheard="of"), "x" * 9000),
        *(
            mitid(require_psd2="perhaps"),
            mitid(transfer_token_exchange_code="a"),
            mitid(authenticators="app"),
            mitid(iframe_mode="minimized"),
        ),
    ],
)
def test_idp_params_that_cannot_be_followed_are_refused(value: str) -> None:
    assert refused("neb", idp_params=value).startswith("idp_params")


def test_idp_params_that_ask_for_what_happens_anyway() -> None:
    value = json.dumps({"mitid": {"require_psd2": False, "enable_step_up": "true"}, "mitid_erhverv": {"allow_private": True}})
    assert read("neb", idp_params=value) == read("neb")
    assert read("neb", idp_params=mitid(require_psd2=True)).psd2


@pytest.mark.parametrize("name", ["signtext_id", "signtext_base64", "signtext_type", "transaction_text"])
def test_nothing_is_signed_silently(name: str) -> None:
    assert refused("neb", PUSHED, **{name: "x"}).startswith(name)


def test_controlled_transfer_is_not_offered() -> None:
    assert "controlled transfer" in refused("idura", login_hint="dk:mitid:ct")
    assert "DK" in refused("idura", login_hint="country:SE")


# Whatever is sent


def understood(dialect: str, sent: Parameters, way: Way) -> Reading | str:
    """The reading, or the words of the refusal."""
    try:
        return DIALECTS[dialect].read(sent, way)
    except Unreadable as refusal:
        return str(refusal)


MARK = "zq"
NAMES = st.sampled_from(
    [
        *("scope", "acr_values", "ui_locales", "language", "login_hint", "idp_values", "idp_params", "response_type", "redirect_uri"),
        *("prompt", "max_age", "state", "nonce", "code_challenge", "code_challenge_method", "request", "request_uri", "claims"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
)
PARAMS = st.dictionaries(
    st.sampled_from(["reference_text", "uuid_hint", "cpr_hint", "loa_value", "aal_value", "action_text", "enable_step_up", "require_psd2"]),
    JSON | st.just(MARK),
)
WORDS = st.sampled_from(
    [
        "sub:",
        "uuid:",
        "action:",
        "message:",
        "acr_values:",
        "scope:",
        "dk:",
        "country:",
        "business",
        "idp:",
        "loa:",
        "mitid_reference_text:",
        "openid",
        "mitid",
        CPR,
    ]
)
VALUES = st.one_of(
    st.text(max_size=30),
    st.lists(st.tuples(WORDS, st.text(max_size=8) | st.just(MARK)).map("".join), max_size=4).map(" ".join),
    PARAMS.map(lambda said: json.dumps({"mitid": said})),
    JSON.map(json.dumps),
)
WAYS = st.builds(Way, st.booleans(), st.booleans())


@settings(deadline=None)
@given(st.sampled_from(sorted(DIALECTS)), st.dictionaries(NAMES, VALUES), WAYS)
def test_a_reader_understands_or_refuses_and_repeats_nothing(dialect: str, sent: dict[str, str], way: Way) -> None:
    asked = parameters(**sent)
    reading = understood(dialect, asked, way)
    if isinstance(reading, str):
        assert reading.isascii()
        assert not [word for word in (MARK, CPR) if word in reading]
        return
    native = reading.applied(asked, ALLOWED)
    untouched = sent.keys() - {"scope", "acr_values", "ui_locales", "login_hint"}
    assert {name: native.get(name) for name in untouched} == {name: asked.get(name) for name in untouched}
    assert native.repeated == asked.repeated
    assert way.confidential or not reading.hints.cpr


@settings(deadline=None)
@given(
    st.sampled_from(sorted(DIALECTS)),
    st.lists(st.text(min_size=1, max_size=10) | WORDS, max_size=4).map(" ".join),
    st.frozensets(st.sampled_from(sorted(ALLOWED))),
)
def test_no_scope_comes_unasked_that_the_client_has_not(dialect: str, sent: str, allowed: frozenset[str]) -> None:
    reading = read(dialect, scope=sent)
    asked = reading.applied(parameters(scope=sent), frozenset()).get("scope").split()
    assert set(reading.applied(parameters(scope=sent), allowed).get("scope").split()) <= {*asked, *allowed}

"""One login from end to end: the only module that knows both sides. It decides which screen comes next; steps never call each other.

authorize ─303─► box ──► step … ──303──► return_ ──► relying party
                  │                        └──303──► box ──► person (who they are here) ──► relying party
                  └────► cancel ───────────────────► relying party
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from authflows import identified, leaving, levels, login, pages, refusals, reuse
from authflows.configuration import Client, IssuerConfig, Upstream, client_of
from authflows.cookies import begin_cookie, browser_of, end_cookie, keep_session, remember_user, remembered_user, session_secret
from authflows.errors import PageError, UnregisteredRedirect
from authflows.identified import Person, Said, Underway
from authflows.identity import Identity
from authflows.login import Browser
from authflows.loginbox import page, too_low
from authflows.models import LoginState
from authflows.oidc import authorize as oidc_authorize
from authflows.oidc import intake
from authflows.oidc import responses as oidc
from authflows.oidc.parameters import Parameters
from authflows.oidc.responses import Answer
from authflows.requests import LoginRequest
from authflows.store import StoredLogin, once_more, unconfirmed
from authflows.upstream.base import Ask, Cancels, Done, Ended, Form, LooksUp, Lost, Mount, Redirect, Refused, Steps
from authflows.upstream.registry import UPSTREAMS
from tenants.middleware import address_of


def authorize(request: HttpRequest, issuer: IssuerConfig) -> HttpResponse:
    """Stores the request and redirects: no GET of this ever reaches the core (decision 10)."""
    if request.method == "HEAD" or pages.prefetched(request):
        return HttpResponse(status=200 if request.method == "HEAD" else 503)
    if request.method == "POST" and request.content_type != "application/x-www-form-urlencoded":
        raise BadRequest("not a form")
    query = request.body if request.method == "POST" else str(request.META.get("QUERY_STRING", "")).encode("iso-8859-1")
    parameters = Parameters.read(query)
    try:
        client, asked = oidc_authorize.begin(issuer, parameters, pages.language_of(request, parameters.get("language")))
    except UnregisteredRedirect as refused:
        refusals.tell(issuer.tenant_id, refused, trace_id(request))
        raise
    if ended := reuse.at_once(request, issuer, client, asked, trace_id=trace_id(request)):
        return leaving.send(issuer, ended)
    browser = login.begin(issuer, client, asked, address=address_of(request), trace_id=trace_id(request))
    # A cross-site POST brings no cookie: its session is met where the browser comes next (decision 8).
    unseen = request.method == "POST" and not session_secret(request, issuer, client)
    response = _see_other(f"{issuer.prefix}/login/{browser.handle}{'?session' if unseen else ''}")
    begin_cookie(response, request, issuer, browser)
    return response


def box(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """The cookie has come back: the core is asked, once, and the box is shown; a reload shows it again.

    A page that waits asks with the step that it shows in `Shown-Step` (static/loginbox/waiting.js): 204 while it is still that one.
    """
    if pages.prefetched(request):
        return HttpResponse(status=503)
    browser = _browser(request, issuer, handle)
    if request.META.get("QUERY_STRING") and "session" in request.GET and (ended := _reused(request, issuer, browser)):
        return ended
    shown = request.META.get("HTTP_SHOWN_STEP", "")
    # Whoever waits has asked the core already: nothing is begun for him.
    found = login.read(issuer, browser) if shown else login.requesting(issuer, browser, address=address_of(request))
    if found is None:
        raise PageError("no_cookie", 403)
    if over := _over(issuer, found, browser):
        return over
    if found.sealed is not None:
        return identified.page(way := _way(request, issuer, found, browser), identified.held(way))
    if found.moved:
        return _start(request, issuer, found, browser)
    if reached := login.reached(found):
        return too_low.respond(issuer, _client(issuer, found), found, browser, reached, _language(request, found))
    # Still "created" in this statement's snapshot: a request that runs beside it moved the Login first.
    if found.state in (LoginState.CREATED, LoginState.REQUESTING):
        return _wait_for_core(request, issuer, found, browser)
    upstream = UPSTREAMS[_upstream(issuer, found).kind]
    assert isinstance(upstream, Steps)
    mount = _told(lambda: upstream.show(_ask(issuer, found), found.core_id))
    if isinstance(mount, Form) and mount.step == shown:
        return HttpResponse(status=204)
    return _shown(request, issuer, found, browser, mount)


def step(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """A typed step of the box: a plain form, handed to the core."""
    browser = _browser(request, issuer, handle)
    if request.method == "GET":  # the language was changed on a page that answered a POST
        return _see_other(f"{_box_address(issuer, browser)}?language={pages.language_of(request)}")
    _proven_form(request, browser)
    found = _found(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    if found.state != LoginState.REQUESTED or found.sealed is not None:
        return _see_other(_box_address(issuer, browser))
    upstream = UPSTREAMS[_upstream(issuer, found).kind]
    assert isinstance(upstream, Steps)
    fields = {name: value for name, value in request.POST.items() if name != "form_token" and isinstance(value, str)}
    shown = _told(lambda: upstream.step(_ask(issuer, found), found.core_id, fields))
    if isinstance(shown, Form) and shown.shown.get("unknown"):
        return _shown(request, issuer, found, browser, shown)
    # A page that reloads itself, or is reloaded, must not be the answer to a POST.
    again = f"{_box_address(issuer, browser)}?language={_language(request, found)}"
    response = _see_other(again) if isinstance(shown, Form) else _shown(request, issuer, found, browser, shown)
    if "user_id" in fields:
        _remembered(request, response, issuer, found, fields)
    return response


def _remembered(request: HttpRequest, response: HttpResponse, issuer: IssuerConfig, found: StoredLogin, fields: dict[str, str]) -> None:
    """As the person wants it who has said who they are. It fills in the first screen's field, and changes nothing else."""
    alias, wanted = _client(issuer, found).alias, fields["user_id"].strip() if "remember" in fields else ""
    if wanted != remembered_user(request, issuer, alias):
        remember_user(response, issuer, alias, wanted)


def return_(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """The core's one-time code: redeemed by us, verified, and only then a login."""
    browser = _browser(request, issuer, handle)
    found = _found(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    if found.state != LoginState.REQUESTED or found.sealed is not None:
        return _see_other(_box_address(issuer, browser))
    upstream = UPSTREAMS[_upstream(issuer, found).kind]
    try:
        identity = upstream.finish(_ask(issuer, found), found.core_id, pages.queried(request, "code"))
    except Ended as end:
        return _end(issuer, found, browser, end.ending)
    except (Refused, Lost) as lost:
        return _after_lost_result(issuer, browser, lost)
    return _said(request, _way(request, issuer, found, browser), Said(Person(identity)))


def person(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """What the person says after the core has vouched for them. What it did not vouch for cannot be said."""
    browser = _browser(request, issuer, handle)
    if request.method == "GET":  # the language was changed on a page that answered a POST
        return _see_other(f"{_box_address(issuer, browser)}?language={pages.language_of(request)}")
    _proven_form(request, browser)
    found = _found(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    if found.sealed is None:
        return _see_other(_box_address(issuer, browser))
    way = _way(request, issuer, found, browser)
    said = identified.answered(way, held := identified.held(way), request.POST)
    if said.problem and said.problem != "wrong":
        return identified.page(way, held, said.problem)
    return _said(request, way, said)


def _said(request: HttpRequest, way: Underway, said: Said) -> HttpResponse:
    """The end, the next that the person has to say, or the page once more."""
    if said.person is not None:
        said = identified.settled(way, said.person)
    if said.ending:
        return _end(way.issuer, way.found, way.browser, said.ending)
    if said.person is not None and not said.person.awaits:
        return _accept(request, way.issuer, way.found, way.browser, said.person.identity, way.connection)
    if said.person is not None:
        identified.hold(way, said.person)
    # A page that is reloaded must not be the answer to a POST.
    return _see_other(f"{_box_address(way.issuer, way.browser)}?language={way.language}")


def again(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """After a level that was too low: the core is asked once more, in the same Login."""
    browser = _browser(request, issuer, handle)
    _proven_form(request, browser)
    found = _found(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    once_more(issuer.tenant_id, found.id)
    return _see_other(_box_address(issuer, browser))


def cancel(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    browser = _browser(request, issuer, handle)
    _proven_form(request, browser)
    found = _found(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    if found.state == LoginState.REQUESTING:
        return _see_other(_box_address(issuer, browser))
    if login.reached(found):
        return _end(issuer, found, browser, "level")
    upstream = UPSTREAMS[_upstream(issuer, found).kind]
    if found.core_id and found.sealed is None and isinstance(upstream, Cancels):
        try:
            upstream.cancel(_ask(issuer, found), found.core_id)
        except (Refused, Lost):
            pass  # ours ends all the same; the core's own time-out ends its half
    return _end(issuer, found, browser, "cancelled")


def _start(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    connection = _upstream(issuer, found)
    assert found.core_session is not None
    try:
        started = UPSTREAMS[connection.kind].start(_ask(issuer, found))
    except Refused as refusal:
        login.refused(issuer, found, str(refusal))
        return _repeat(issuer, _found(issuer, browser), browser)
    except Lost:
        unconfirmed(issuer.tenant_id, found.core_session)
        return _please_wait(request, issuer, found, browser)
    login.requested(issuer, found, connection, started.core_id)
    return _shown(request, issuer, found, browser, started.mount)


def _wait_for_core(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    """Another request of this Login asks the core just now, or its answer was lost: then the core is asked what became of it."""
    connection = _upstream(issuer, found)
    upstream = UPSTREAMS[connection.kind]
    if found.core_age > settings.CORE_ANSWER_SECONDS and isinstance(upstream, LooksUp) and found.core_session is not None:
        try:
            core_id = upstream.look_up(found.core_session, str(issuer.environment_id))
        except Lost:
            return _please_wait(request, issuer, found, browser)
        login.confirm(issuer.tenant_id, login.event(issuer, found, connection), core_id)
        return _see_other(_box_address(issuer, browser))
    return _please_wait(request, issuer, found, browser)


def _reused(request: HttpRequest, issuer: IssuerConfig, browser: Browser) -> HttpResponse | None:
    found = _found(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    answer = reuse.of_stored(request, issuer, _client(issuer, found), found, browser)
    return _leave(issuer, browser, answer) if answer else None


def _accept(
    request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser, identity: Identity, connection: Upstream
) -> HttpResponse:
    asked = LoginRequest.from_json(found.request)
    level = login.achieved(identity, connection)
    if not levels.accept(level, asked.level):
        login.too_low(issuer, found, level)
        return _see_other(_box_address(issuer, browser))
    if asked.subject and not login.is_person(issuer, identity, asked.subject, oidc.told_as(asked)):
        return _end(issuer, found, browser, "another_person")
    assert found.core_session is not None
    vouched, client = reuse.Vouched(identity, level, connection, found.core_session), _client(issuer, found)
    grant = reuse.granted(client, asked, vouched, browser, found.id)
    if not intake.use(issuer, asked, found.id):
        return _end(issuer, found, browser, "answered")
    session = reuse.opening(request, issuer, client, browser, vouched, alone=reuse.alone(asked))
    nobody = reuse.nobody(asked)
    if login.complete(issuer, found, identity, level, answer={"completed": True}, grant=grant, session=session, nobody=nobody):
        response = _leave(issuer, browser, oidc.respond(issuer, asked, browser.code))
        if not reuse.alone(asked):
            keep_session(response, issuer, client, browser.session)
        return response
    return _repeat(issuer, _found(issuer, browser), browser)


def _end(issuer: IssuerConfig, found: StoredLogin, browser: Browser, ending: str) -> HttpResponse:
    login.fail(issuer, found, ending)
    return _repeat(issuer, _found(issuer, browser), browser)


def _over(issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse | None:
    """The answer of a Login that has ended or whose time is over; None where it goes on."""
    if login.ended(found):
        return _repeat(issuer, found, browser)
    return _end(issuer, found, browser, "expired") if found.expired else None


def _repeat(issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    """The first answer, as often as it is asked for."""
    asked = LoginRequest.from_json(found.request)
    if found.state == LoginState.COMPLETED:
        return _leave(issuer, browser, oidc.respond(issuer, asked, browser.code))
    intake.use(issuer, asked, found.id)
    return _leave(issuer, browser, oidc.fail(issuer, asked, (found.answer or {}).get("ending", "expired")))


def _leave(issuer: IssuerConfig, browser: Browser, answer: Answer) -> HttpResponse:
    response = leaving.send(issuer, answer)
    end_cookie(response, issuer, browser)
    return response


def _after_lost_result(issuer: IssuerConfig, browser: Browser, lost: Exception) -> HttpResponse:
    """A code that a parallel return has used or replaced: the box gives the newest one. Or a result that cannot be believed."""
    if over := _over(issuer, _found(issuer, browser), browser):
        return over
    if isinstance(lost, Refused):
        return _see_other(_box_address(issuer, browser))
    raise _not_confirmed(lost)


def _told(ask: Callable[[], Form | Done]) -> Form | Done:
    try:
        return ask()
    except (Refused, Lost) as lost:
        raise _not_confirmed(lost) from None


def _not_confirmed(lost: Exception) -> PageError:
    return PageError("core_result", 503 if isinstance(lost, Lost) else 400, detail=str(lost))


def _shown(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser, mount: Mount | Done) -> HttpResponse:
    if isinstance(mount, Done):
        return _see_other(f"{issuer.prefix}/login/{browser.handle}/return?code={mount.code}")
    if isinstance(mount, Redirect):
        return _see_other(mount.location)
    assert isinstance(mount, Form)
    return _page(request, issuer, found, browser, mount)


def _please_wait(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    late = found.core_age > settings.CORE_ANSWER_SECONDS
    shown = {"provider_name": _client(issuer, found).alias, "action": found.request["action"], "late": late}
    response = _page(request, issuer, found, browser, Form("starting", shown))
    response.headers["Refresh"] = "2"
    return response


def _page(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser, form: Form) -> HttpResponse:
    client = _client(issuer, found)
    language = _language(request, found)
    base = f"{issuer.prefix}/login/{browser.handle}"
    shown = form.shown
    if form.step == "user_id" and not shown["unknown"] and (known := remembered_user(request, issuer, client.alias)):
        shown = shown | {"user_id": known, "remembered": True}
    slot = page.slot(
        form.step,
        language,
        shown,
        form_action=f"{base}/box?language={language}",
        cancel_action=f"{base}/cancel",
        form_token=browser.form_token,
        phone_url=f"{issuer.prefix}/simulator/phone",
        phone_address=f"{issuer.url}/simulator/phone",
    )
    return page.respond(issuer, page.page(issuer, client, language, "page", slot=slot, title=client.alias))


def _ask(issuer: IssuerConfig, found: StoredLogin) -> Ask:
    asked = LoginRequest.from_json(found.request)
    assert found.core_session is not None
    return Ask(
        reference=found.core_session,
        service=str(issuer.environment_id),
        provider=_client(issuer, found).alias,
        action=asked.action,
        reference_text=asked.reference_text,
        level=asked.level,
        language=asked.language,
        sector=issuer.sector,
        identities=identified.kinds(asked, _client(issuer, found)),
        psd2=asked.psd2,
    )


def _client(issuer: IssuerConfig, found: StoredLogin) -> Client:
    client = client_of(issuer, found.relying_party_id)
    if client is None:
        raise PageError("unknown_client", 404)
    return client


def _upstream(issuer: IssuerConfig, found: StoredLogin) -> Upstream:
    wanted = str(found.connection_id or found.request["connection"])
    for upstream in issuer.upstreams:
        if str(upstream.id) == wanted:
            return upstream
    raise PageError("connection_withdrawn", 503)


def _browser(request: HttpRequest, issuer: IssuerConfig, handle: str) -> Browser:
    browser = browser_of(request, issuer, handle)
    if browser is None:
        raise PageError("no_cookie", 403)
    return browser


def _found(issuer: IssuerConfig, browser: Browser) -> StoredLogin:
    found = login.read(issuer, browser)
    if found is None:
        raise PageError("no_cookie", 403)
    return found


def _proven_form(request: HttpRequest, browser: Browser) -> None:
    if not browser.owns(request.POST.get("form_token", "")):
        raise PageError("form_token", 403)


def _way(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> Underway:
    client, asked = _client(issuer, found), LoginRequest.from_json(found.request)
    return Underway(issuer, client, asked, found, browser, _upstream(issuer, found), _language(request, found))


def _language(request: HttpRequest, found: StoredLogin) -> str:
    chosen = pages.queried(request, "language")
    return chosen if chosen in pages.LANGUAGES else str(found.request["language"])


def _box_address(issuer: IssuerConfig, browser: Browser) -> str:
    return f"{issuer.prefix}/login/{browser.handle}"


def _see_other(location: str) -> HttpResponse:
    response = HttpResponse(status=303)
    response.headers["Location"] = location
    return response


def trace_id(request: HttpRequest) -> str:
    return str(getattr(request, "trace_id", ""))

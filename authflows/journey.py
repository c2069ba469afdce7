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

from authflows import callback, choosing, identified, leaving, levels, login, pages, pauses, refusals, reuse, visit
from authflows.configuration import IssuerConfig, Upstream
from authflows.cookies import begin_cookie, end_cookie, keep_session, remember_user, remembered_user, session_secret
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
from authflows.store import StoredLogin, unconfirmed, unknown_to_core
from authflows.upstream.base import Busy, Cancels, Done, Ended, Form, LooksUp, Lost, Mount, Redirect, Refused, Returns, Steps
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
        refusals.tell(issuer.tenant_id, refused, visit.trace_id(request))
        raise
    if ended := reuse.at_once(request, issuer, client, asked, trace_id=visit.trace_id(request)):
        return leaving.send(issuer, ended)
    browser = login.begin(issuer, client, asked, address=address_of(request), trace_id=visit.trace_id(request))
    # A cross-site POST brings no cookie: its session is met where the browser comes next (decision 8).
    unseen = request.method == "POST" and not session_secret(request, issuer, client)
    response = visit.see_other(f"{issuer.prefix}/login/{browser.handle}{'?session' if unseen else ''}")
    begin_cookie(response, request, issuer, browser)
    return response


def box(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """The cookie has come back: the core is asked, once, and the box is shown; a reload shows it again.

    A page that waits asks with the step that it shows in `Shown-Step` (static/loginbox/waiting.js): 204 while it is still that one.
    """
    if pages.prefetched(request):
        return HttpResponse(status=503)
    browser = visit.browser(request, issuer, handle)
    if request.META.get("QUERY_STRING") and "session" in request.GET and (ended := _reused(request, issuer, browser)):
        return ended
    shown = request.META.get("HTTP_SHOWN_STEP", "")
    # Whoever waits has asked the core already: nothing is begun for him.
    found = login.read(issuer, browser) if shown else login.requesting(issuer, browser, address=address_of(request))
    if found is None:
        raise PageError("no_cookie", 403)
    if over := _over(issuer, found, browser):
        return over
    if asked := _question(request, issuer, found, browser):
        return asked
    if found.moved:
        return _start(request, issuer, found, browser)
    # Still "created" in this statement's snapshot: a request that runs beside it moved the Login first.
    if found.state in (LoginState.CREATED, LoginState.REQUESTING):
        return _wait_for_core(request, issuer, found, browser)
    upstream = UPSTREAMS[visit.connection(issuer, found).kind]
    if isinstance(upstream, Returns):
        return _away(request, issuer, found, browser, upstream)
    assert isinstance(upstream, Steps)
    mount = _told(lambda: upstream.show(visit.ask(issuer, found, browser), found.core_id))
    if isinstance(mount, Form) and mount.step == shown:
        return HttpResponse(status=204)
    return _shown(request, issuer, found, browser, mount)


def _question(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse | None:
    """What the person has to say to us before the login goes on; None where it goes on without."""
    if found.sealed is not None:
        return identified.page(way := _way(request, issuer, found, browser), identified.held(way))
    if found.state != LoginState.CREATED:
        return None
    client, language = visit.client(issuer, found), visit.language(request, found)
    if not found.request["connection"]:
        return choosing.chooser(request, issuer, client, found, browser, language)
    reached = login.reached(found)
    return too_low.respond(issuer, client, found, browser, reached, language) if reached else None


def choose(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """The person's choice of a method, of those that were offered."""
    browser, found = visit.posted(request, issuer, handle)
    if over := _over(issuer, found, browser):
        return over
    response = visit.see_other(f"{visit.address(issuer, browser)}?language={visit.language(request, found)}")
    choosing.chosen(response, issuer, visit.client(issuer, found), found, request.POST.get("method", ""), "remember" in request.POST)
    return response


def step(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """A typed step of the box: a plain form, handed to the core."""
    if request.method == "GET":
        return visit.in_another_language(request, issuer, handle)
    browser, found = visit.posted(request, issuer, handle)
    if over := _over(issuer, found, browser):
        return over
    if found.state != LoginState.REQUESTED or found.sealed is not None:
        return visit.see_other(visit.address(issuer, browser))
    upstream = UPSTREAMS[visit.connection(issuer, found).kind]
    if not isinstance(upstream, Steps):
        return visit.see_other(visit.address(issuer, browser))
    fields = {name: value for name, value in request.POST.items() if name != "form_token" and isinstance(value, str)}
    shown = _told(lambda: upstream.step(visit.ask(issuer, found, browser), found.core_id, fields))
    if isinstance(shown, Form) and shown.shown.get("unknown"):
        return _shown(request, issuer, found, browser, shown)
    # A page that reloads itself, or is reloaded, must not be the answer to a POST.
    again = f"{visit.address(issuer, browser)}?language={visit.language(request, found)}"
    response = visit.see_other(again) if isinstance(shown, Form) else _shown(request, issuer, found, browser, shown)
    if "user_id" in fields:
        _remembered(request, response, issuer, found, fields)
    return response


def _remembered(request: HttpRequest, response: HttpResponse, issuer: IssuerConfig, found: StoredLogin, fields: dict[str, str]) -> None:
    """As the person wants it who has said who they are. It fills in the first screen's field, and changes nothing else."""
    alias, wanted = visit.client(issuer, found).alias, fields["user_id"].strip() if "remember" in fields else ""
    if wanted != remembered_user(request, issuer, alias):
        remember_user(response, issuer, alias, wanted)


def return_(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """The core's one-time code, or an upstream's answer: redeemed by us, verified, and only then a login."""
    browser = visit.browser(request, issuer, handle)
    found = visit.login_of(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    if found.state != LoginState.REQUESTED or found.sealed is not None:
        return visit.see_other(visit.address(issuer, browser))
    connection = visit.connection(issuer, found)
    upstream, ask = UPSTREAMS[connection.kind], visit.ask(issuer, found, browser)
    try:
        code = pages.queried(request, "code")
        if isinstance(upstream, Returns):
            code = upstream.returned(ask, callback.answer(request).values)
        identity = upstream.finish(ask, found.core_id, code)
    except Ended as end:
        return _end(issuer, found, browser, end.ending)
    except Busy:
        return _please_wait(request, issuer, found, browser)
    except (Refused, Lost) as lost:
        return _after_lost_result(issuer, browser, lost)
    return _said(request, _way(request, issuer, found, browser), Said(Person(identity)))


def person(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """What the person says after the core has vouched for them. What it did not vouch for cannot be said."""
    if request.method == "GET":
        return visit.in_another_language(request, issuer, handle)
    browser, found = visit.posted(request, issuer, handle)
    if over := _over(issuer, found, browser):
        return over
    if found.sealed is None:
        return visit.see_other(visit.address(issuer, browser))
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
    return visit.see_other(f"{visit.address(way.issuer, way.browser)}?language={way.language}")


def again(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    """After a level that was too low: the core is asked once more, in the same Login."""
    browser, found = visit.posted(request, issuer, handle)
    if over := _over(issuer, found, browser):
        return over
    pauses.once_more(issuer.tenant_id, found.id)
    return visit.see_other(visit.address(issuer, browser))


def _away(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser, upstream: Returns) -> HttpResponse:
    """The browser was sent away and is here again without an answer, by Back or from another tab: it chooses to go on or to cancel."""
    if "again" not in request.GET:
        language, name = visit.language(request, found), visit.connection(issuer, found).name
        return choosing.away(issuer, visit.client(issuer, found), browser, language, name)
    try:
        return visit.see_other(upstream.resume(visit.ask(issuer, found, browser), found.core_id).location)
    except Busy:
        return _please_wait(request, issuer, found, browser)
    except (Refused, Lost) as lost:
        raise _not_confirmed(lost) from None


def cancel(request: HttpRequest, issuer: IssuerConfig, handle: str) -> HttpResponse:
    browser, found = visit.posted(request, issuer, handle)
    if over := _over(issuer, found, browser):
        return over
    if found.state == LoginState.REQUESTING:
        return visit.see_other(visit.address(issuer, browser))
    if login.reached(found):
        return _end(issuer, found, browser, "level")
    upstream = UPSTREAMS[visit.connection(issuer, found).kind] if found.core_id else None
    if found.sealed is None and isinstance(upstream, Cancels):
        try:
            upstream.cancel(visit.ask(issuer, found, browser), found.core_id)
        except (Refused, Lost):
            pass  # ours ends all the same; the core's own time-out ends its half
    return _end(issuer, found, browser, "cancelled")


def _start(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    connection = visit.connection(issuer, found)
    assert found.core_session is not None
    try:
        started = UPSTREAMS[connection.kind].start(visit.ask(issuer, found, browser))
    except Busy:
        unknown_to_core(issuer.tenant_id, found.core_session)
        return _please_wait(request, issuer, found, browser)
    except Refused as refusal:
        login.refused(issuer, found, str(refusal))
        return _repeat(issuer, visit.login_of(issuer, browser), browser)
    except Lost:
        unconfirmed(issuer.tenant_id, found.core_session)
        return _please_wait(request, issuer, found, browser)
    login.requested(issuer, found, connection, started.core_id)
    return _shown(request, issuer, found, browser, started.mount)


def _wait_for_core(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    """Another request of this Login asks the core just now, or its answer was lost: then the core is asked what became of it."""
    connection = visit.connection(issuer, found)
    upstream = UPSTREAMS[connection.kind]
    if found.core_age > settings.CORE_ANSWER_SECONDS and isinstance(upstream, LooksUp) and found.core_session is not None:
        try:
            core_id = upstream.look_up(found.core_session, str(issuer.environment_id))
        except Lost:
            return _please_wait(request, issuer, found, browser)
        login.confirm(issuer.tenant_id, login.event(issuer, found, connection), core_id)
        return visit.see_other(visit.address(issuer, browser))
    return _please_wait(request, issuer, found, browser)


def _reused(request: HttpRequest, issuer: IssuerConfig, browser: Browser) -> HttpResponse | None:
    found = visit.login_of(issuer, browser)
    if over := _over(issuer, found, browser):
        return over
    answer = reuse.of_stored(request, issuer, visit.client(issuer, found), found, browser)
    return _leave(issuer, browser, answer) if answer else None


def _accept(
    request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser, identity: Identity, connection: Upstream
) -> HttpResponse:
    asked = LoginRequest.from_json(found.request)
    level = login.achieved(identity, connection)
    if not levels.accept(level, asked.level):
        login.too_low(issuer, found, level)
        return visit.see_other(visit.address(issuer, browser))
    if asked.subject and not login.is_person(issuer, identity, asked.subject, oidc.told_as(asked)):
        return _end(issuer, found, browser, "another_person")
    assert found.core_session is not None
    vouched, client = reuse.Vouched(identity, level, connection, found.core_session), visit.client(issuer, found)
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
    return _repeat(issuer, visit.login_of(issuer, browser), browser)


def _end(issuer: IssuerConfig, found: StoredLogin, browser: Browser, ending: str) -> HttpResponse:
    login.fail(issuer, found, ending)
    return _repeat(issuer, visit.login_of(issuer, browser), browser)


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
    if over := _over(issuer, visit.login_of(issuer, browser), browser):
        return over
    if isinstance(lost, Refused):
        return visit.see_other(visit.address(issuer, browser))
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
        return visit.see_other(f"{issuer.prefix}/login/{browser.handle}/return?code={mount.code}")
    if isinstance(mount, Redirect):
        return visit.see_other(mount.location)
    assert isinstance(mount, Form)
    return _page(request, issuer, found, browser, mount)


def _please_wait(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> HttpResponse:
    client, language = visit.client(issuer, found), visit.language(request, found)
    late = found.core_age > settings.CORE_ANSWER_SECONDS
    if visit.connection(issuer, found).kind == "simulator":
        shown = {"provider_name": client.alias, "action": found.request["action"], "late": late}
        response = _page(request, issuer, found, browser, Form("starting", shown))
    else:
        response = page.respond(issuer, page.page(issuer, client, language, "wait", title=client.alias))
    response.headers["Refresh"] = "2"
    return response


def _page(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser, form: Form) -> HttpResponse:
    client = visit.client(issuer, found)
    language = visit.language(request, found)
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


def _way(request: HttpRequest, issuer: IssuerConfig, found: StoredLogin, browser: Browser) -> Underway:
    client, asked = visit.client(issuer, found), LoginRequest.from_json(found.request)
    return Underway(issuer, client, asked, found, browser, visit.connection(issuer, found), visit.language(request, found))

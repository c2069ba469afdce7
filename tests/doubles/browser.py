"""A browser without a screen: cookies, pages with forms, and no redirect followed before the story says so."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

from tests.doubles.relying_party import Asked

# One line a request tells a failing test nothing that its assertion does not.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass
class Form:
    action: str
    method: str
    css: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.step = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.step = given.get("data-step", self.step)
        if tag == "form":
            self.forms.append(Form(given["action"], given.get("method", "get"), given.get("class", "")))
        elif tag == "input" and self.forms and (given.get("type") != "checkbox" or "checked" in given):
            self.forms[-1].fields[given["name"]] = given.get("value", "")


def forms(page: httpx.Response) -> list[Form]:
    return _read(page).forms


def step_of(page: httpx.Response) -> str:
    """Which step of the box a page shows."""
    return _read(page).step


def _read(page: httpx.Response) -> _Forms:
    reader = _Forms()
    reader.feed(page.text)
    return reader


class Browser:
    """Talks to one address; `host` is the name that it asks for there, where that differs."""

    def __init__(self, base_url: str, *, host: str = "", language: str = "en", transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Accept-Language": language}
        # Whether a session outlasts the login that left it; else the browser is as if closed before each login.
        self.remembers = False
        self.http = httpx.Client(headers=headers, transport=transport, verify=False, trust_env=False, timeout=20)
        self.move(base_url, host)

    def move(self, base_url: str, host: str = "") -> None:
        """The next request goes to another server of the same installation, as behind a load balancer."""
        self.base_url = base_url
        self.http.base_url = httpx.URL(base_url)
        self.http.headers["Host"] = host or self.http.base_url.netloc.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def get(self, url: str, **headers: str) -> httpx.Response:
        return self.http.get(self._address(url), headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, url: str, fields: dict[str, str]) -> httpx.Response:
        return self.http.post(self._address(url), data=fields)

    def _address(self, url: str) -> str:
        """What a page or an issuer names is asked for at the address that this browser talks to."""
        path = urljoin("/", url.removeprefix("http://").partition("/")[2]) if url.startswith("http://") else url
        return self.base_url + path

    def begin(self, asked: Asked) -> str:
        """Follows a request to the login's own address."""
        if not self.remembers:
            self.forget_sessions()
        answer = self.get(asked.url)
        assert answer.status_code == 303, (answer.status_code, answer.text)
        assert "/login/" in answer.headers["Location"], answer.headers["Location"]
        return answer.headers["Location"]

    def open(self, asked: Asked) -> httpx.Response:
        """Follows a request to the box."""
        page = self.get(self.begin(asked))
        assert page.status_code == 200, (page.status_code, page.headers.get("Location"), page.text)
        return page

    def submit(self, page: httpx.Response, css: str = "step", **fields: str) -> httpx.Response:
        """Sends the form of a page that has this class."""
        (form,) = [form for form in forms(page) if form.css == css]
        return self.post(form.action, form.fields | fields)

    def login(self, asked: Asked, user_id: str = "auto-approve") -> str:
        """A whole login of a person who acts at once. Returns where it ends: at the relying party."""
        return self.finish(self.submit(self.open(asked), user_id=user_id))

    def finish(self, answer: httpx.Response) -> str:
        """From an answer of the box to the relying party's address; who did not reach the level goes back there."""
        for _ in range(8):
            if answer.status_code == 200 and any(form.css == "again" for form in forms(answer)):
                answer = self.submit(answer, "foot")
            assert answer.status_code == 303, (answer.status_code, answer.text)
            location: str = answer.headers["Location"]
            if not location.startswith("/"):
                return location
            answer = self.get(location)
        raise AssertionError("too many redirects")

    def forget_sessions(self) -> None:
        """As if the browser had been closed meanwhile: the next login is not answered by a session."""
        jar = self.http.cookies.jar
        for cookie in [each for each in jar if "session-" in each.name]:
            jar.clear(cookie.domain, cookie.path, cookie.name)

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar}

"""Signing in: counted before the password is looked at, and no answer tells who has an account."""

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth import SESSION_KEY
from django.core import mail
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from broker_portal.signin import new_link
from tenants.models import SignInLink, User
from tests import people
from tests.people import PASSWORD, Story

LOGIN = "/accounts/login/"
# Windows have fixed ends; one that ended while a test ran would let it begin anew.
ENDLESS = 10**9


@pytest.fixture
def story(db: None) -> Story:
    return people.story()


@pytest.fixture
def address() -> str:
    """An address of this test's own: what is counted for it is nobody else's."""
    return str(uuid.uuid4())


@pytest.fixture
def strict(settings: Settings) -> None:
    """The limits of a live installation, in one window."""
    settings.LIMITS = {**settings.LIMITS, "sign_in.address": (10, ENDLESS), "sign_in.account": (5, ENDLESS)}


@pytest.fixture
def visitor(address: str) -> Client:
    return Client(REMOTE_ADDR=address)


def attempt(client: Client, email: str, password: str) -> int:
    response = client.post(LOGIN, {"login": email, "password": password})
    return response.status_code


def signed_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def test_the_right_password_lets_in_and_a_wrong_one_does_not(story: Story, visitor: Client) -> None:
    assert attempt(visitor, story.owner.email, "wrong password") == 200
    assert not signed_in(visitor)
    assert attempt(visitor, story.owner.email.upper(), PASSWORD) == 302
    assert signed_in(visitor)


def shown(html: bytes, *differing: str) -> str:
    text = re.sub(r'value="[^"]*"', "", html.decode())
    for part in differing:
        text = text.replace(part, "")
    return strip_tags(text)


def test_an_account_that_exists_looks_like_one_that_does_not(story: Story, visitor: Client) -> None:
    nobody = "nobody@fjordbank.example"
    answers = [visitor.post(LOGIN, {"login": email, "password": "wrong password"}) for email in (story.owner.email, nobody)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert shown(answers[0].content, story.owner.email) == shown(answers[1].content, nobody)


def test_an_unknown_account_costs_a_password_check_too(story: Story, visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.hashers import ScryptPasswordHasher

    hashed: list[str] = []
    original = ScryptPasswordHasher.encode

    def counting(self: ScryptPasswordHasher, password: str, *rest: object, **more: object) -> str:
        hashed.append(password)
        return str(original(self, password, *rest, **more))  # type: ignore[arg-type]

    monkeypatch.setattr(ScryptPasswordHasher, "encode", counting)
    for email in (story.owner.email, "nobody@fjordbank.example"):
        attempt(visitor, email, "wrong password")
        assert len(hashed) == 1, email
        hashed.clear()


@pytest.mark.usefixtures("strict")
def test_the_sixth_attempt_on_an_account_is_refused_wherever_it_comes_from(story: Story) -> None:
    for _ in range(5):
        assert attempt(Client(REMOTE_ADDR=str(uuid.uuid4())), story.owner.email, "wrong password") == 200
    late = Client(REMOTE_ADDR=str(uuid.uuid4()))
    response = late.post(LOGIN, {"login": story.owner.email, "password": PASSWORD})
    assert response.status_code == 429
    assert response.headers["Retry-After"] == str(ENDLESS)
    assert not signed_in(late)


@pytest.mark.usefixtures("strict")
def test_unknown_accounts_are_limited_alike(db: None) -> None:
    codes = [attempt(Client(REMOTE_ADDR=str(uuid.uuid4())), "nobody@fjordbank.example", "wrong password") for _ in range(6)]
    assert codes == [200] * 5 + [429]


@pytest.mark.usefixtures("strict")
def test_the_eleventh_attempt_from_an_address_is_refused(db: None, visitor: Client, address: str) -> None:
    emails = [f"{number}@{address}.example" for number in range(11)]
    assert [attempt(visitor, email, "wrong password") for email in emails] == [200] * 10 + [429]
    spoofing = Client(REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR="198.51.100.1", HTTP_X_REAL_IP="198.51.100.1")
    assert attempt(spoofing, emails[0], "wrong password") == 429


@pytest.mark.usefixtures("strict")
def test_a_strangers_guesses_do_not_lock_the_owner_out(story: Story) -> None:
    own_browser = Client(REMOTE_ADDR=str(uuid.uuid4()))
    assert attempt(own_browser, story.owner.email, PASSWORD) == 302
    own_browser.post("/accounts/logout/")
    assert not signed_in(own_browser)
    for _ in range(6):
        attempt(Client(REMOTE_ADDR=str(uuid.uuid4())), story.owner.email, "a guess")
    assert attempt(own_browser, story.owner.email, PASSWORD) == 302
    assert signed_in(own_browser)


@pytest.mark.usefixtures("strict")
def test_a_known_browser_is_limited_too_and_known_for_one_account(story: Story) -> None:
    browser = Client(REMOTE_ADDR=str(uuid.uuid4()))
    attempt(browser, story.owner.email, PASSWORD)
    browser.post("/accounts/logout/")
    assert [attempt(browser, story.owner.email, "a guess") for _ in range(6)] == [200] * 5 + [429]
    for _ in range(5):
        attempt(Client(REMOTE_ADDR=str(uuid.uuid4())), story.colleague.email, "a guess")
    browser.defaults["REMOTE_ADDR"] = str(uuid.uuid4())
    assert attempt(browser, story.colleague.email, PASSWORD) == 429


@pytest.mark.usefixtures("strict")
def test_somebody_at_an_open_screen_cannot_guess_the_old_password(story: Story, visitor: Client) -> None:
    visitor.force_login(story.owner)
    new = {"password1": "a quite long new one", "password2": "a quite long new one"}

    for guess in range(5):
        visitor.post("/accounts/password/change/", new | {"oldpassword": f"guess {guess}"})
    right = visitor.post("/accounts/password/change/", new | {"oldpassword": PASSWORD})

    assert right.status_code == 200
    assert right.context["form"].errors["oldpassword"].as_data()[0].code == "too_many"
    story.owner.refresh_from_db()
    assert story.owner.check_password(PASSWORD)


def test_nobody_makes_an_account_for_himself(db: None, visitor: Client) -> None:
    email = f"new@{uuid.uuid4()}.example"
    answer = visitor.post("/accounts/signup/", {"email": email, "password1": PASSWORD})
    assert answer.status_code == 200
    assert not User.objects.filter(email=email).exists()


@pytest.fixture
def outbox(settings: Settings) -> Iterator[list[mail.EmailMessage]]:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    return mail.outbox  # type: ignore[return-value]


@pytest.mark.usefixtures("strict")
def test_asking_for_a_new_password_tells_nothing_and_fills_no_mailbox(
    story: Story, visitor: Client, outbox: list[mail.EmailMessage]
) -> None:
    answers = {visitor.post("/accounts/password/reset/", {"email": story.owner.email}).headers["Location"] for _ in range(8)}
    answers.add(visitor.post("/accounts/password/reset/", {"email": "nobody@fjordbank.example"}).headers["Location"])
    assert len(answers) == 1
    assert len([message for message in outbox if message.to == [story.owner.email]]) == 5


def test_a_link_signs_in_once_and_looking_uses_nothing_up(story: Story, visitor: Client) -> None:
    path = new_link(story.staff)
    assert visitor.head(path).status_code == 200
    assert visitor.get(path).status_code == 200
    assert not signed_in(visitor)
    assert visitor.post(path).status_code == 302
    assert visitor.session[SESSION_KEY] == str(story.staff.id)
    late = Client()
    assert late.get(path).status_code == 410
    assert late.post(path).status_code == 410
    assert not signed_in(late)


def test_somebody_without_a_password_is_led_to_choose_one(story: Story, visitor: Client) -> None:
    newcomer = User.objects.create_user(f"new@{story.fjordbank.tenant.slug}.example")
    assert visitor.post(new_link(newcomer)).headers["Location"] == "/accounts/password/set/"
    assert Client().post(new_link(story.staff)).headers["Location"] == "/"


def test_a_link_ends_with_its_time_with_the_next_one_and_with_the_account(story: Story, visitor: Client) -> None:
    first, second = new_link(story.staff), new_link(story.staff)
    assert visitor.post(first).status_code == 410
    SignInLink.objects.filter(user=story.staff).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert visitor.get(second).status_code == 410
    assert visitor.post(second).status_code == 410
    third = new_link(story.staff)
    User.objects.filter(id=story.staff.id).update(is_active=False)
    assert visitor.post(third).status_code == 410
    assert visitor.get("/sign-in/" + "x" * 43).status_code == 410
    assert not signed_in(visitor)


def test_only_the_hash_of_a_link_is_kept(story: Story) -> None:
    secret = new_link(story.staff).rsplit("/", 1)[-1]
    assert len(secret) == 43
    link = SignInLink.objects.get(user=story.staff)
    assert secret.encode() not in bytes(link.secret_hash)
    assert len(bytes(link.secret_hash)) == 32


def test_a_link_cannot_be_posted_from_another_site(story: Story) -> None:
    careful = Client(enforce_csrf_checks=True)
    assert careful.post(new_link(story.staff)).status_code == 403
    assert not signed_in(careful)

"""Settings: one file. Every reader of the environment fails loudly on a wrong value."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from broker_portal import embedded

ROOT = Path(__file__).resolve().parent.parent


def env_choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = os.environ.get(name) or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name}={value}: expected one of {', '.join(allowed)}")
    return value


def env_int(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name}={value}: expected a whole number")
    return int(value)


def env_database(url: str, name: str) -> dict[str, object]:
    """A libpq URL as Django's settings; query parameters (host=/socket/dir, sslmode, ...) go to libpq as they are."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name}: expected postgresql://user:password@host:port/database")
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or parts.hostname or ""
    return {
        "ENGINE": "tenants.database",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(host),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": None,
        # Left to Django, psycopg would prepare nothing, not even what says prepare=True.
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 5, "application_name": "broker_portal", **query},
        "DISABLE_SERVER_SIDE_CURSORS": False,
    }


MODE = env_choice("BROKER_MODE", "demo", ("demo", "live"))
DEMO = MODE == "demo"
DATA_DIR = Path(os.environ.get("BROKER_DATA_DIR") or ROOT / "var").resolve()
PORT = env_int("PORT", 8000)
BASE_URL = (os.environ.get("BASE_URL") or f"http://localhost:{PORT}").rstrip("/")
BOX_URL = (os.environ.get("BOX_URL") or "").rstrip("/")
# Live issuers answer on <environment-slug>.<ISSUER_DOMAIN> or a verified domain of their own.
ISSUER_DOMAIN = os.environ.get("ISSUER_DOMAIN") or ""

_app_url, _owner_url = embedded.default_urls(DATA_DIR)
if bool(os.environ.get("DATABASE_URL")) != bool(os.environ.get("DATABASE_OWNER_URL")):
    raise ImproperlyConfigured("set DATABASE_URL and DATABASE_OWNER_URL together, or neither")
DATABASES = {"default": env_database(os.environ.get("DATABASE_URL") or _app_url, "DATABASE_URL")}
OWNER_DATABASE = env_database(os.environ.get("DATABASE_OWNER_URL") or _owner_url, "DATABASE_OWNER_URL")

# The master key of the vault: a file of mode 0600 that is made on the first start, or this variable (docs/operating.md).
MASTER_KEYS = os.environ.get("BROKER_MASTER_KEYS") or ""
MASTER_KEY_FILE = Path(os.environ.get("BROKER_MASTER_KEY_FILE") or DATA_DIR / "keys" / "master.json")
SECRET_KEY_FILE = DATA_DIR / "keys" / "django-secret"
SECRET_KEY = os.environ.get("SECRET_KEY") or embedded.secret_file(SECRET_KEY_FILE)

DEBUG = False
HTTPS = BASE_URL.startswith("https://")
# The portal's host and, for local use, its loopback names. Issuer and box hosts are rows (tenants.Domain), matched before this.
ALLOWED_HOSTS = [str(urlsplit(BASE_URL).hostname), *(["localhost", "127.0.0.1", "[::1]"] if DEMO else [])]
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# A proxy's word about the client's address and scheme counts only from these addresses (docs/operating.md).
TRUSTED_PROXIES = [part.strip() for part in (os.environ.get("TRUSTED_PROXIES") or "").split(",") if part.strip()]

INSTALLED_APPS = [
    "broker_portal.apps.BrokerPortalConfig",
    "tenants.apps.TenantsConfig",
    "authflows.apps.AuthflowsConfig",
    "billing.apps.BillingConfig",
    "authflows.apps.ClientRegistryConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
]
# The first one takes issuer and box addresses out of the chain: nothing after it ever sees them (decision 26).
MIDDLEWARE = [
    "tenants.middleware.TraceId",
    "authflows.gate.IssuerGate",
    "broker_portal.middleware.PortalHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "broker_portal.middleware.PortalLanguage",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "broker_portal.urls"
WSGI_APPLICATION = "broker_portal.wsgi.application"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "broker_portal.context.portal",
            ],
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
        },
    }
]

LANGUAGE_CODE = "da"
LANGUAGES = [("da", _("Danish")), ("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Copenhagen"

STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static"]
STATIC_ROOT = DATA_DIR / "static"
WHITENOISE_USE_FINDERS = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

AUTH_USER_MODEL = "tenants.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "broker_portal.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
# allauth's own limits count per process; its adapter calls tenants/limits.py instead.
ACCOUNT_RATE_LIMITS = False
ACCOUNT_FORMS = {"change_password": "broker_portal.passwords.ChangePassword"}

SESSION_COOKIE_NAME = "__Host-portal" if HTTPS else "portal"
CSRF_COOKIE_NAME = "__Host-portal-csrf" if HTTPS else "portal-csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_FAILURE_VIEW = "broker_portal.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 63_072_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
X_FRAME_OPTIONS = "DENY"

EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if os.environ.get("EMAIL_HOST") else "django.core.mail.backends.filebased.EmailBackend"
)
EMAIL_FILE_PATH = DATA_DIR / "mail"
EMAIL_HOST = os.environ.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = env_int("EMAIL_PORT", 25)
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM") or "broker-portal@localhost"
ADMINS: list[tuple[str, str]] = []

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or embedded.default_queue_url(DATA_DIR)
# A queue that is down must not hold up a request: left alone, kombu tries for six seconds.
_AT_ONCE = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0, "socket_connect_timeout": 1}
CELERY_BROKER_TRANSPORT_OPTIONS = embedded.queue_options(CELERY_BROKER_URL, DATA_DIR) | _AT_ONCE

# A login (docs/logins.md). MitID's own time-out is not published: 300 s per request to the core is our assumption.
LOGIN_SECONDS = env_int("LOGIN_SECONDS", 900)
CORE_SECONDS = env_int("CORE_SECONDS", 300)
# MitID's own figures are not public: three tries are (reference, domain facts 2.4), how long a block lasts is not.
SIMULATOR_TRIES = 3
SIMULATOR_BLOCK_SECONDS = env_int("SIMULATOR_BLOCK_SECONDS", 600)
# An answer of the core that has not come by now is lost: the sweep asks for it.
CORE_ANSWER_SECONDS = env_int("CORE_ANSWER_SECONDS", 10)
# Characters that a reference text may not have, besides control characters: one client of MitID's is known to refuse these two.
REFERENCE_TEXT_FORBIDDEN = os.environ.get("REFERENCE_TEXT_FORBIDDEN", "<%")
CODE_SECONDS = 60
PUSHED_REQUEST_SECONDS = env_int("PUSHED_REQUEST_SECONDS", 60)
# A session without use, and from its authentication on: our assumption too, no figure is published for brokers.
SESSION_IDLE_SECONDS = env_int("SESSION_IDLE_SECONDS", 1800)
SESSION_SECONDS = env_int("SESSION_SECONDS", 28_800)
ACCESS_TOKEN_SECONDS = env_int("ACCESS_TOKEN_SECONDS", 3600)
ID_TOKEN_SECONDS = 300
# A refresh token ends when it has not been used for the second, and at the latest after the first.
REFRESH_TOKEN_SECONDS = env_int("REFRESH_TOKEN_SECONDS", 90 * 86_400)
REFRESH_TOKEN_IDLE_SECONDS = env_int("REFRESH_TOKEN_IDLE_SECONDS", 14 * 86_400)
# How long a public client may repeat a refresh whose answer it did not get.
REFRESH_REPEAT_SECONDS = 60
# How long a signing key is used; the next one is published before, and the old one after it (decision 14).
SIGNING_KEY_DAYS = env_int("SIGNING_KEY_DAYS", 90)
# What this operator is notified for under NSIS, per kind of identity (decision 11).
NSIS_CAP = {
    "private": env_choice("NSIS_CAP_PRIVATE", "high", ("low", "substantial", "high")),
    "business": env_choice("NSIS_CAP_BUSINESS", "substantial", ("low", "substantial", "high")),
}

# A deployer's own scopes and the last word on id_tokens (docs/logins.md): dotted names; of hooks several, separated by commas.
OIDC_EXTRA_SCOPE_CLAIMS = os.environ.get("OIDC_EXTRA_SCOPE_CLAIMS") or None
_hooks = [name.strip() for name in (os.environ.get("OIDC_IDTOKEN_PROCESSING_HOOK") or "").split(",") if name.strip()]
OIDC_IDTOKEN_PROCESSING_HOOK = _hooks or None

# A final AAP is approved by somebody else than who entered it.
FOUR_EYES = env_choice("FOUR_EYES", "on", ("on", "off")) == "on"

# Requests per window; the demonstration allows a hundred times as many with the same code (docs/operating.md).
_times = 100 if DEMO else 1
LIMITS = {
    "authorize.address": (600 * _times, 60),
    "authorize.relying_party": (6_000 * _times, 60),
    "par.relying_party": (6_000 * _times, 60),
    "core.address": (300 * _times, 60),
    "core.relying_party": (3_000 * _times, 60),
    "token_failure.client": (30 * _times, 60),
    "identities.client": (120 * _times, 60),
    "simulator.address": (60 * _times, 60),
    "sign_in.address": (10 * _times, 60),
    "sign_in.account": (5 * _times, 300),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "broker_portal.logs.OneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}, "django.server": {"level": "WARNING"}},
}
SILENCED_SYSTEM_CHECKS: list[str] = []

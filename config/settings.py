"""Settings: one file, from the environment only; refuses to start unsafe when DEBUG is off."""

import sys
from pathlib import Path
from typing import Any

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
STATE_DIR = Path(env.str("ANJU_STATE", default=str(BASE_DIR / "var")))
SECRET_KEY = env.str("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# Commands that read no database and no session run without a key (schedule simulation, checks).
_KEYLESS = {"simulate_schedule", "collectstatic", "check", "makemigrations", "help", "--help"}
_command = sys.argv[1] if len(sys.argv) > 1 else ""
if not SECRET_KEY:
    if not DEBUG and _command not in _KEYLESS:
        raise ImproperlyConfigured("SECRET_KEY is not set")
    SECRET_KEY = "no-key-for-commands-without-sessions-" + "x" * 40

INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "journal",
    "people",
    "loans",
    "collateral",
    "correspondence",
    "risk",
    "followups",
    "config",
    "rest_framework",
    "django_filters",
    "django_htmx",
    "django_celery_beat",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "journal.middleware.RequestIdMiddleware",
    "config.busy.BusyMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        # The schema's reading page brings its own template.
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "config.context.frame",
            ],
            "builtins": [
                "config.templatetags.anju",
                "django.templatetags.i18n",
                "django.templatetags.static",
                "config.templatetags.still",
            ],
        },
    }
]

# Two roles: the owner migrates; the application role owns nothing and cannot touch history.
_OWNER_COMMANDS = {"migrate", "write_baseline", "makemigrations", "sqlmigrate", "showmigrations", "dbshell"}
_app_url = env.str("DATABASE_URL", default="")
_owner_url = env.str("DATABASE_OWNER_URL", default="") or _app_url
_url = _owner_url if _command in _OWNER_COMMANDS else _app_url
# A server whose host is gone without a word is given up after half a minute, not after the system's quarter of an hour.
_LINE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30000}
# A page waits 3 s for a row and 15 s for an answer, then says so; day end and imports may take their time.
_PATIENCE = "-c lock_timeout=3000 -c statement_timeout=15000"


def _database(url: str, **options: object) -> dict[str, Any]:
    """A database by its URL; what the URL says of the connection (sslmode) stays."""
    found: dict[str, Any] = environ.Env.db_url_config(url)
    return {
        **found,
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=60),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_LINE, **found.get("OPTIONS", {}), **options},
    }


if _url:
    DATABASES = {"default": _database(_url, **({"options": _PATIENCE} if env.bool("ANJU_WEB", default=False) else {}))}
else:
    DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "anju"}}
# What a report needs of a replica (journal.replica): soon or not at all, and never a write, whatever the URL leads to.
REPLICA_OPTIONS = {"connect_timeout": 2, "options": f"{_PATIENCE} -c default_transaction_read_only=on"}
if _replica_url := env.str("REPLICA_URL", default=""):
    DATABASES["replica"] = {**_database(_replica_url, **REPLICA_OPTIONS), "TEST": {"MIRROR": "default"}}
DATABASE_ROUTERS = ["journal.replica.ReportReads"]
# The role that the first migration grants to; the owner's own name when there is only one URL.
DATABASE_APP_ROLE = environ.Env.db_url_config(_app_url).get("USER", "") if _app_url else ""
DATABASE_OWNER_URL = _owner_url
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="redis://127.0.0.1:6379/0")
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

AUTH_USER_MODEL = "people.Staff"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "people:sign_in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "people:sign_in"
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
# Both sign-ins call authenticate(username=…); under the default (the model's field name) failures are
# counted against nobody, and the right password still opens a locked door.
AXES_USERNAME_FORM_FIELD = "username"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_TEMPLATE = "people/sign_in_locked.html"
AXES_VERBOSE = False

SESSION_ENGINE = "people.sessions"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
# Behind TLS set HTTPS=1; the one-command server speaks plain HTTP on the loopback address only.
HTTPS = env.bool("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # The UI kit sets column widths and ratio bars by style attribute (docs/house.md 4).
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("简体中文")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Asia/Shanghai"
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
MEDIA_ROOT = STATE_DIR / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "people.api.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["people.api.HasPermission"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "people.api.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["people.api.StrictJSONParser"],
    "EXCEPTION_HANDLER": "people.api.error_response",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Anju API",
    "DESCRIPTION": "个人住房贷款贷后管理 · Home mortgage servicing and post-loan follow-up",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Fields of one name with different words (kind, state) get the name of their own set.
    "ENUM_NAME_OVERRIDES": {
        "AcrossWhy": "followups.models.AcrossWhy",
        "TaskKind": "followups.models.TaskKind",
        "TaskState": "followups.models.TaskState",
        "EventKind": "followups.models.EventKind",
        "PauseReason": "followups.models.PauseReason",
        "PhotoExit": "followups.models.PhotoExit",
        "TaskSubject": "followups.models.Subject",
        "TaskOutcome": "followups.models.Outcome",
        "ContactOutcome": "followups.models.ContactOutcome",
        "TellChannel": "followups.models.TellChannel",
        "HeardByEnum": "followups.models.HeardBy",
        "LetterKind": "followups.models.LetterKind",
        "DeliveryWay": "followups.models.DeliveryWay",
        "MessageChannel": "correspondence.models.Channel",
        "EventSubject": "followups.models.EventSubject",
        "EventSource": "followups.models.EventSource",
        "EventTeller": "followups.actions.events.TELLERS",
        "EventFeed": "followups.models.EventFeed",
        "EventFindingKind": "followups.models.Finding",
        "MergeMode": "followups.models.MergeMode",
        "ReportState": "followups.models.ReportState",
        "CorrectionState": "followups.models.CorrectionState",
        "CorrectionReason": "followups.models.CorrectionReason",
        "PolicyLineKind": "followups.rules.default_policy.KINDS",
        "SkipState": "followups.models.SkipState",
        "NoticeCode": "followups.models.NoticeCode",
        "NoticeAudience": "followups.models.Audience",
        "AlertCode": "followups.models.AlertCode",
        "DigestCode": "followups.models.DigestCode",
        "AlertAudience": "followups.models.AlertAudience",
        "TaskLevel": "followups.models.Level",
        "ReturnReason": "followups.models.reports.ReturnReason",
        "RelationKind": "people.models.RelationKind",
        "SignalLevel": "risk.models.SignalLevel",
        "SignalSource": "risk.models.SignalSource",
        "SignalState": "risk.models.SignalState",
        "SignalOutcome": "risk.models.SignalOutcome",
        "SignalStepKind": "risk.models.StepKind",
        "RegulationState": "followups.models.RegulationState",
        "PromiseState": "followups.models.PromiseState",
        "PostingKind": "loans.models.PostingKind",
        "ReceiptState": "loans.models.ReceiptState",
        "FiveClass": "loans.models.FiveClass",
        "SimulationMethod": "loans.rules.schedule.METHODS",
        "MethodEnum": "followups.models.Method",
        "ChangeKind": "loans.models.ChangeKind",
        "ChangeState": "loans.models.ChangeState",
        "CostKind": "loans.models.CostKind",
        "DisclosureState": "loans.models.DisclosureState",
        "MoneyFileKind": "loans.models.MoneyFileKind",
        "PricingKind": "loans.models.PricingKind",
        "RegistrationKind": "collateral.models.ChargeKind",
        "RefundState": "loans.models.RefundState",
        "ReturnState": "loans.models.ReturnState",
        "RepricingState": "loans.models.RepricingState",
        "BreakState": "loans.models.BreakState",
        "Product": "loans.models.Product",
        "Tenor": "loans.models.Tenor",
        "MessageKind": "correspondence.models.MessageKind",
        "MessageState": "correspondence.models.MessageState",
        "MessageReason": "correspondence.models.Reason",
        "WordingState": "correspondence.api.wordings.STATES",
        "ContactGround": "correspondence.models.Ground",
        "ContactHeard": "correspondence.models.Heard",
    },
}

CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = TIME_ZONE
# A nudge may be lost but must not be waited for: one try, half a second. Workers ask again by settings of their own.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_throttle": 1,
    "socket_connect_timeout": 0.5,
    # A broker that is frozen, or gone without a word, takes the connection and never answers.
    "socket_timeout": 0.5,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
# Beat only wakes; what is due is found by a query, so a missed or doubled tick changes nothing.
CELERY_BEAT_SCHEDULE = {
    "close_evening": {"task": "config.close_evening", "schedule": crontab(hour="21", minute="0")},
    # From 08:30 on, until they are made: a night that ran late, or a beat that stood, delays them.
    "make_digests": {"task": "config.make_digests", "schedule": crontab(hour="8-18", minute="*/10")},
    "continue_evening": {"task": "config.continue_evening", "schedule": 30.0},
    "run_pending": {"task": "journal.run_pending", "schedule": 30.0},
    "preview_repricings": {"task": "config.preview_repricings", "schedule": 30.0},
    "try_policies": {"task": "config.try_policies", "schedule": 30.0},
    "forget_idempotency_keys": {"task": "config.forget_idempotency_keys", "schedule": crontab(hour="3", minute="20")},
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# Demo data are marked on every page; only the one-command server on its own database sets this.
DEMO = env.bool("ANJU_DEMO", default=False)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
}

"""Settings of the peers' site: what they need, on PostgreSQL, and nothing that slows them down.

No middleware, no sessions, no templates; connections to the database are kept. Where the database
is stands in libpq's own variables (PGHOST, PGPORT, PGUSER, PGDATABASE).
"""

import os

SECRET_KEY = "of a site on this machine"  # noqa: S105 - it signs nothing
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "benchmarks.public.peers.urls"
WSGI_APPLICATION = "benchmarks.public.peers.wsgi.application"
INSTALLED_APPS = [
    # Of these two the views of django-mail-analytics import models.
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_mail_analytics",
    "benchmarks.public.peers",
]
MIDDLEWARE: list[str] = []
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "CONN_MAX_AGE": None,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MAIL_ANALYTICS = {"SCHEME": "http", "DOMAIN": "links.contoso.example"}
PYTRACKING_CONFIGURATION = {
    "base_open_tracking_url": "http://links.contoso.example/o/",
    "base_click_tracking_url": "http://links.contoso.example/c/",
}

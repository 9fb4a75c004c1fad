"""All addresses: pages by room, the API, the two health probes."""

from django.urls import include, path

from config import probes

urlpatterns = [
    path("healthz", probes.alive, name="alive"),
    path("readyz", probes.ready, name="ready"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/v1/", include("config.api_urls")),
    path("", include("people.urls")),
    path("", include("followups.urls")),
    path("", include("loans.urls")),
    path("", include("correspondence.urls")),
    path("", include("config.page_urls")),
]

handler500 = "config.busy.server_error"

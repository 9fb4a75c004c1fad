"""Shared bases of pages: none can be declared without a permission, all start from what one may see."""

import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.generic import TemplateView

from people.models import IdempotencyKey, Staff
from people.queries import may


class PageView(TemplateView):
    """A page for people with `permission`; anonymous visitors sign in first, others get 403."""

    permission: ClassVar[str]
    # What acting (any other method than reading) needs beyond that; empty needs no more.
    acts_with: ClassVar[str] = ""
    part_template: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not getattr(cls, "permission", ""):
            raise TypeError(f"{cls.__name__} declares no permission")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(self._way_back(request))
        acts = request.method not in ("GET", "HEAD", "OPTIONS")
        if not may(self.staff, self.permission) or (acts and self.acts_with and not may(self.staff, self.acts_with)):
            raise PermissionDenied
        self.at = timezone.now()
        return super().dispatch(request, *args, **kwargs)

    def _way_back(self, request: HttpRequest) -> str:
        """Where to go after signing in: this page, or for a pressed button the page on which it stood."""
        if request.method in ("GET", "HEAD") and "get" in self.http_method_names:
            return request.get_full_path()
        from_page = request.headers.get("Referer", "")
        if not url_has_allowed_host_and_scheme(from_page, {request.get_host()}, require_https=request.is_secure()):
            return "/"
        parts = urlsplit(from_page)
        path = urlunsplit(("", "", parts.path, parts.query, ""))
        return path if url_has_allowed_host_and_scheme(path, allowed_hosts=None) else "/"

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        refused = super().http_method_not_allowed(request, *args, **kwargs)
        page = TemplateResponse(request, "405.html", status=refused.status_code)
        page["Allow"] = refused["Allow"]
        return page

    @property
    def staff(self) -> Staff:
        user = self.request.user
        assert isinstance(user, Staff)
        return user

    def get_template_names(self) -> list[str]:
        """The part alone when HTMX asks for it, else the whole page."""
        htmx = getattr(self.request, "htmx", None)
        if self.part_template and htmx and not htmx.boosted:
            return [self.part_template]
        return super().get_template_names()


def visible_or_404(queryset: QuerySet[Any], **lookup: Any) -> Any:
    """The one visible object; Http404 without a word when it is missing or another branch's."""
    try:
        found: Model | None = queryset.filter(**lookup).first()
    except (ValueError, TypeError, OverflowError):
        found = None
    if found is None:
        raise Http404
    return found


def no_store(response: HttpResponse) -> HttpResponse:
    """Marks a reply with personal data as not to be kept by browser or proxy."""
    response["Cache-Control"] = "no-store"
    return response


_FORM_KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")


def new_form_key() -> str:
    """A word for a form that is shown; see `led_once`."""
    return secrets.token_urlsafe(18)


def hold_form(name: str) -> None:
    """Makes the second press of a form wait for the first, so that it finds where that led."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def led_once(*, request: HttpRequest, staff: Staff, at: datetime, effect: Callable[[], str]) -> str:
    """Where a form leads: its effect runs once, pressed again the same form leads to the same address.

    `form_key` in what was sent says which form it was, the rest of it whether it says the same; a refusal keeps
    nothing, so the form can be mended and sent again. Without a key the effect simply runs.
    """
    key = request.POST.get("form_key", "")
    if not _FORM_KEY.fullmatch(key):
        return effect()
    said = sorted((name, values) for name, values in request.POST.lists() if name != "csrfmiddlewaretoken")
    digest = hashlib.sha256(repr((request.path, said)).encode()).hexdigest()
    stored = f"form:{digest}"
    with transaction.atomic():
        hold_form(f"{staff.pk}:{stored}")
        known = IdempotencyKey.objects.filter(staff=staff, key=stored).values_list("body", flat=True).first()
        if known is not None:
            return str(known)
        address = effect()
        IdempotencyKey.objects.create(
            staff=staff, key=stored, path=request.path[:200], body_sha256=digest, status=302, body=address,
            created_at=at,
        )  # fmt: skip
        return address

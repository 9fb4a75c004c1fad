"""Bases of every API view: none can be declared without a permission, all start from what one may see.

Replies are never kept by browser or proxy. Query parameters that a view does not know are
refused, so a mistyped filter cannot quietly return everything.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from people.api.fields import ErrorReply
from people.api.idempotency import answer_once
from people.api.pagination import PARAMETERS, KeysetPagination
from people.api.permissions import ANYONE
from people.models import Staff
from people.web import visible_or_404

# Every refusal an endpoint may give; the schema lists them with one body.
COMMON_REFUSALS = (400, 401, 403, 404, 405, 429, 500, 503)
WRITE_REFUSALS = (409, 413, 415, 422)


def refusals(*, writes: bool) -> dict[int, Any]:
    """Status → body of every documented error."""
    return dict.fromkeys(COMMON_REFUSALS + (WRITE_REFUSALS if writes else ()), ErrorReply)


def reads(
    answer: Any, *, media_type: str = "application/json", more_refusals: tuple[int, ...] = (), **documented: Any
) -> Callable[..., Any]:
    """Documents a GET: its answer and the shared refusals."""
    refused = {**refusals(writes=False), **dict.fromkeys(more_refusals, ErrorReply)}
    return extend_schema(responses={(200, media_type): answer, **refused}, **documented)


def writes(asked: Any, answer: Any, *, status: int = 200, key_required: bool = False, **documented: Any) -> Any:
    """Documents a POST: what is sent, its answer, the shared refusals and the idempotency header."""
    parameters = documented.pop("parameters", [])
    key = OpenApiParameter(
        "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=key_required,
        description="1–255 visible ASCII characters; the same key and body give the same reply once more.",
    )  # fmt: skip
    return extend_schema(
        request=asked,
        responses={status: answer, **refusals(writes=True)},
        parameters=[*parameters, key],
        **documented,
    )


class OneRepresentation(BaseContentNegotiation):
    """The Accept header is not consulted: each address has one representation."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        sent = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(self, request: HttpRequest, renderers: Any, format_suffix: Any = None) -> Any:
        return renderers[0], renderers[0].media_type


class ApiView(GenericAPIView[Any]):
    """A view of the API; `permission` is one name, any of several, one a method, SIGNED_IN or ANYONE."""

    permission: ClassVar[str | tuple[str, ...] | dict[str, str | tuple[str, ...]]]
    query_parameters: ClassVar[tuple[str, ...]] = ()
    content_negotiation_class = OneRepresentation
    http_method_names = ["get", "head", "post", "delete"]
    metadata_class = None
    pagination_class: Any = None
    filter_backends: Any = []

    def __init_subclass__(cls, *, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not abstract and not getattr(cls, "permission", None):
            raise TypeError(f"{cls.__name__} declares no permission")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.at = timezone.now()
        self._refuse_unknown_parameters()

    @property
    def staff(self) -> Staff:
        user = self.request.user
        assert isinstance(user, Staff)
        return user

    def known_parameters(self) -> set[str]:
        return set(self.query_parameters)

    def _refuse_unknown_parameters(self) -> None:
        surplus = set(self.request.query_params) - self.known_parameters()
        repeated = {name for name, values in self.request.query_params.lists() if len(values) > 1}
        if surplus:
            raise ValidationError({name[:60]: [_("没有这个参数。")] for name in sorted(surplus)[:20]})
        if repeated - self.repeatable_parameters():
            raise ValidationError({name[:60]: [_("参数只能出现一次。")] for name in sorted(repeated)[:20]})

    def repeatable_parameters(self) -> set[str]:
        return set()

    def sent(self, serializer: Any) -> dict[str, Any]:
        """The request's body as the serializer understands it; ValidationError names every fault."""
        made = serializer(data=self.request.data)
        made.is_valid(raise_exception=True)
        return dict(made.validated_data)

    def once(self, effect: Callable[[], Response], *, required: bool = False) -> HttpResponseBase:
        """Runs a write under the request's idempotency key, if it has one."""
        return answer_once(request=self.request, staff=self.staff, at=self.at, effect=effect, required=required)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def visible(self, queryset: QuerySet[Any], **lookup: Any) -> Any:
        """The one visible object; anything else is missing."""
        return visible_or_404(queryset, **lookup)


class ListView(ApiView, abstract=True):
    """A keyset list: queryset of what one may see, filters, orderings, one serializer."""

    pagination_class = KeysetPagination
    filter_backends = [DjangoFilterBackend]
    filterset_class: ClassVar[Any] = None
    serializer_class: Any
    orderings: ClassVar[dict[str, tuple[str, ...]]]
    default_ordering: ClassVar[str] = ""

    def rows(self) -> QuerySet[Any]:
        """What this person may see."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            # The schema generator asks for the model only, on nobody's behalf.
            return self.serializer_class.Meta.model.objects.none()
        return self.rows()

    def known_parameters(self) -> set[str]:
        return {*self.query_parameters, *PARAMETERS, *self._filter_parameters()}

    def repeatable_parameters(self) -> set[str]:
        if not self.filterset_class:
            return set()
        return {name for name, one in self.filterset_class.base_filters.items() if "Multiple" in type(one).__name__}

    def _filter_parameters(self) -> set[str]:
        names: set[str] = set()
        for name, one in (self.filterset_class.base_filters if self.filterset_class else {}).items():
            suffixes = getattr(one.field.widget, "suffixes", None)
            names.update(f"{name}_{suffix}" for suffix in suffixes) if suffixes else names.add(name)
        return names

    def listed(self) -> Response:
        """One page of the filtered list."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class NothingHere(ApiView):
    """Any other address below the API: the same 404 as a missing object."""

    permission = ANYONE
    authentication_classes = []

    def known_parameters(self) -> set[str]:
        return set(self.request.query_params)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound

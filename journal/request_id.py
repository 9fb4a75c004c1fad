"""The id of the request being answered; empty in commands and workers."""

from contextvars import ContextVar

current: ContextVar[str] = ContextVar("request_id", default="")

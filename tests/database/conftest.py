"""Fixtures of database tests that need the owner role on a bank of their own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import psycopg2
import pytest

from people.models import Staff
from tests import factories
from tests.conftest import _owner_parameters


@pytest.fixture
def owner_of() -> Callable[[str], AbstractContextManager[Any]]:
    """A cursor of the owner role on a named database."""

    @contextmanager
    def cursor_on(name: str) -> Iterator[Any]:
        connection = psycopg2.connect(**_owner_parameters(name))
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    return cursor_on


@pytest.fixture
def maker() -> Staff:
    """Who proposes rates and runs; the bank is open."""
    factories.open_bank()
    return factories.make_staff("OPERATIONS", factories.make_branch())


@pytest.fixture
def checker() -> Staff:
    """Who approves them."""
    return factories.make_staff("RISK_MANAGER", factories.make_branch())

"""The ground of the gate: databases copied from the seeded test database."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests.crash.ground import Ground, leave


@pytest.fixture(scope="session")
def ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """Commits are real; everything made is dropped at the end."""
    with django_db_blocker.unblock():
        leave()
        found = Ground(str(connections["default"].settings_dict["NAME"]))
        try:
            yield found
        finally:
            found.clear()


@pytest.fixture(scope="session")
def files(tmp_path_factory: Any) -> str:
    return str(tmp_path_factory.mktemp("files"))


@pytest.fixture(autouse=True)
def _files_stay(_plain_settings: None, settings: Any, files: str) -> None:
    """The files of a bank that serves several tests."""
    settings.MEDIA_ROOT = files

"""A form pressed twice at once leads once; with the lock off the database still takes only one of the two."""

import threading
from typing import Any

import pytest
from django.db import IntegrityError
from django.test import RequestFactory

from loans.actions.disclosure import NewDisclosure, make_disclosure
from loans.models import CostDisclosure
from people import web
from people.models import IdempotencyKey, Staff
from people.web import led_once
from tests.contracts import operator, request_of
from tests.database.test_visit_races import at_once
from tests.factories import AT

KEY = "k" * 24


def pressed(staff: Staff, *keys: str, gate: threading.Barrier | None = None) -> list[Any]:
    """The same form pressed at once under each of the keys."""

    def made() -> str:
        disclosure = make_disclosure(asked=NewDisclosure(request=request_of()), by=staff, at=AT)
        if gate is not None:
            gate.wait(30)
        return f"/disclosures/{disclosure.pk}/"

    def press(key: str) -> str:
        request = RequestFactory().post("/disclosures/new/", {"form_key": key, "terms.principal": "1000000"})
        return led_once(request=request, staff=staff, at=AT, effect=made)

    return at_once(*(lambda key=key: press(key) for key in keys))


def test_pressed_twice_at_once_a_form_leads_to_one_disclosure(fresh_bank: Any) -> None:
    found = pressed(operator(), KEY, KEY)
    assert found[0] == found[1] and str(found[0]).startswith("/disclosures/")
    assert (CostDisclosure.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


def test_two_forms_are_two_disclosures(fresh_bank: Any) -> None:
    found = pressed(operator(), KEY, "m" * 24)
    assert found[0] != found[1] and CostDisclosure.objects.count() == 2


def test_with_the_lock_off_one_of_the_two_fails(fresh_bank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "hold_form", lambda name: None)
    found = pressed(operator(), KEY, KEY, gate=threading.Barrier(2))
    assert sum(isinstance(each, IntegrityError) for each in found) == 1
    assert CostDisclosure.objects.count() == 1

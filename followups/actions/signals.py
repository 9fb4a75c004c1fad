"""Closing a warning signal: the measures of the report that found it count among its actions."""

from datetime import datetime

from django.db import transaction

from followups.models import Measure, MeasureState
from people.models import Staff
from risk import actions
from risk.models import Signal


@transaction.atomic
def close_signal(*, signal_id: int, version: int, words: str, by: Staff, at: datetime) -> Signal:
    """Ends a signal whose actions, and the measures of whose report, are all at their end."""
    signal = Signal.objects.visible_to(by).get(pk=signal_id)
    of_visit = Measure.objects.filter(report__visit__reports=signal.report_id)
    measures = of_visit if signal.report_id else Measure.objects.none()
    elsewhere = [(owner, state != MeasureState.OPEN) for owner, state in measures.values_list("owner_id", "state")]
    return actions.close_signal(signal_id=signal_id, version=version, words=words, elsewhere=elsewhere, by=by, at=at)

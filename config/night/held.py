"""A loan that a stage set aside, tried again at once because a person asked for it."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from config.isolation import run_isolated
from config.night.lease import try_for_transaction
from config.night.stage import Stage
from journal.actions import record
from journal.errors import ActionRefused
from journal.models import HeldBack
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff


class HeldIsGone(ActionRefused):
    """The loan went through meanwhile."""

    code = "held_is_gone"
    conflict = True


class NightIsRunning(ActionRefused):
    """Day end is at work and tries the loan by itself."""

    code = "night_is_running"
    conflict = True


@transaction.atomic
def retry_held(*, held_id: int, stages: Mapping[str, Stage], by: Staff, at: datetime) -> bool:
    """Runs the stage for this one loan on the open date; True when it went through."""
    require(by, "operations.run")
    day = hold_business_date()
    if not try_for_transaction(day):
        raise NightIsRunning(_("日终正在进行，会自动重试。"))
    held = HeldBack.objects.select_for_update().filter(pk=held_id).first()
    if held is None or held.stage not in stages:
        raise HeldIsGone(_("该事项已处理完毕。"))
    stage, loan_id = stages[held.stage], held.subject_id
    run_isolated(
        stage.work, stage=stage.name, as_of=day, scope={"at": at}, after=loan_id - 1, up_to=loan_id,
        takes_ids=stage.takes_ids,
    )  # fmt: skip
    went = not HeldBack.objects.filter(pk=held_id).exists()
    record(
        kind="day_end.held_retried", subject_type="loan", subject_id=loan_id, by=by.staff_no, at=at,
        business_date=day, data={"stage": stage.name, "went": went},
    )  # fmt: skip
    return went

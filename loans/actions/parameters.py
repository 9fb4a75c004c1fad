"""A parameter takes another value from a day on; what it was before stays on record (新老划断)."""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from journal.actions import record
from journal.errors import ActionRefused
from loans.models import Parameter
from loans.queries import held, hold_business_date


class ParameterRefused(ActionRefused):
    """No such parameter, a value of another shape, or a day that is not ahead."""

    code = "parameter_refused"


@transaction.atomic
def change_parameter(*, code: str, value: Any, from_on: date, source: str, by: str, at: datetime) -> Parameter:
    """Puts a value in force from a day ahead and ends the one before it there; whoever calls has checked the right.

    The value is what the parameter always was: a number stays a number, a list a list, and so on. A parameter that ends
    on a day ends on that day still.
    """
    today = hold_business_date()
    check_parameter(code=code, value=value, from_on=from_on, today=today)
    before = Parameter.objects.select_for_update().get(code=code, in_force__contains=from_on)
    until = before.in_force.upper
    before.in_force = DateRange(before.in_force.lower, from_on, "[)")
    before.save(update_fields=["in_force"])
    made = Parameter.objects.create(
        code=code, value=value, in_force=DateRange(from_on, until, "[)"), source=source[:120]
    )
    held.forget()
    record(
        kind="loans.parameter_changed", subject_type="parameter", subject_id=made.pk, by=by, at=at, business_date=today,
        data={"code": code, "before": before.value, "after": value, "from_on": from_on.isoformat()},
    )  # fmt: skip
    return made


def check_parameter(*, code: str, value: Any, from_on: date, today: date) -> Parameter:
    """The value that it would replace; refused in words where it cannot be put in force."""
    if from_on <= today:
        raise ParameterRefused(_("参数生效日须晚于营业日 %(day)s。") % {"day": today}, field="from_on")
    rows = list(Parameter.objects.filter(code=code).order_by("in_force"))
    if not rows:
        raise ParameterRefused(_("没有参数 %(code)s。") % {"code": code}, field="code")
    if any(row.in_force.lower is not None and row.in_force.lower >= from_on for row in rows):
        raise ParameterRefused(_("参数 %(code)s 已有更晚生效的取值。") % {"code": code}, field="from_on")
    found = next((row for row in rows if row.in_force.upper is None or row.in_force.upper > from_on), None)
    if found is None:
        raise ParameterRefused(_("参数 %(code)s 已失效。") % {"code": code}, field="code")
    if not _is_like(value, found.value):
        raise ParameterRefused(
            _("参数 %(code)s 的取值须与现行取值同类：%(value)s") % {"code": code, "value": found.value}, field="value"
        )
    if value == found.value:
        raise ParameterRefused(_("参数 %(code)s 的取值没有变化。") % {"code": code}, field="value")
    return found


def _is_like(value: Any, known: Any) -> bool:
    if isinstance(known, bool) or isinstance(value, bool):
        return isinstance(known, bool) and isinstance(value, bool)
    if isinstance(known, dict):
        return isinstance(value, dict) and set(value) == set(known) and all(_is_like(value[k], known[k]) for k in known)
    if isinstance(known, list):
        return (
            isinstance(value, list) and all(any(_is_like(each, one) for one in known) for each in value) and value != []
        )
    if isinstance(known, str):
        return isinstance(value, str) and value.strip() != "" and _is_number(value) == _is_number(known)
    return type(value) is type(known)


def _is_number(text: str) -> bool:
    return text.strip().removeprefix("-").replace(".", "", 1).isdigit()

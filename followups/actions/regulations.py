"""The register of regulations: entered by one, approved by another; parameters and policies follow from an item.

Approving puts the parameters it names in force on their days and tells all staff. What it asks of follow-ups becomes a
draft of the policy, drafted from here: its dry run is the list of plans that change, its approval plans the whole book
anew on the evening of its first day.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.policy import APPROVE, PROPOSE, draft_policy
from followups.models import Alert, AlertAudience, AlertCode, FollowUpPolicy
from followups.models.regulations import Regulation, RegulationParameter, RegulationPolicy, RegulationState
from followups.rules.regulations import content_sha256 as sha256_of
from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.parameters import change_parameter, check_parameter
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

SUMMARY_MOST, MOST_PARAMETERS = 2000, 20
_TEXTS: Mapping[str, tuple[int, int]] = {
    "number": (2, 80), "title": (2, 200), "issuer": (2, 80), "summary": (4, SUMMARY_MOST),
}  # fmt: skip


class RegulationUnclear(ActionRefused):
    """What was entered does not hold together."""

    code = "regulation_unclear"


class RegulationMoved(ActionRefused):
    """Somebody decided meanwhile, or other content was read."""

    code = "regulation_moved"
    conflict = True


class OwnRegulation(ActionRefused):
    """Nobody approves what he entered himself; nobody else takes it back."""

    code = "own_regulation"


@transaction.atomic
def enter_regulation(
    *,
    number: str,
    title: str,
    issuer: str,
    issued_on: date,
    effective_on: date,
    summary: str,
    replaces: str = "",
    parameters: Sequence[tuple[str, Any, date]] = (),
    by: Staff,
    at: datetime,
) -> Regulation:
    """Enters an item; `replaces` is the number of the one that ends with it, `parameters` are (code, value, from)."""
    require(by, PROPOSE)
    today = hold_business_date()
    given = {"number": number, "title": title, "issuer": issuer, "summary": summary}
    values: dict[str, Any] = {name: _said(given[name], name) for name in _TEXTS}
    if effective_on < issued_on or issued_on > today:
        raise RegulationUnclear(_("发布日不能晚于营业日，生效日不能早于发布日。"), field="effective_on")
    before = _replaced(replaces, effective_on)
    if Regulation.objects.filter(number=values["number"], state__in=["WAITING", "APPROVED"]).exists():
        raise RegulationUnclear(_("文号 %(number)s 已在登记簿中。") % values, field="number")
    if len(parameters) > MOST_PARAMETERS or len({code for code, _value, _on in parameters}) != len(parameters):
        raise RegulationUnclear(_("参数过多或重复。"), field="parameters")
    for code, value, from_on in parameters:
        check_parameter(code=code, value=value, from_on=from_on, today=today)
    values |= {"issued_on": issued_on, "effective_on": effective_on}
    regulation = Regulation.objects.create(
        **values, replaces=before, maker=by.staff_no, made_at=at,
        content_sha256=sha256_of({**values, "replaces": replaces}, parameters),
    )  # fmt: skip
    RegulationParameter.objects.bulk_create(
        RegulationParameter(regulation=regulation, code=code, value=value, from_on=from_on)
        for code, value, from_on in parameters
    )
    _tell(regulation, "followups.regulation_entered", by, at, today)
    return regulation


@transaction.atomic
def decide_regulation(
    *, regulation_id: int, approve: bool, content_sha256: str, remark: str = "", by: Staff, at: datetime
) -> Regulation:
    """Approves exactly what was read, or sends it back with a reason."""
    require(by, APPROVE)
    today = hold_business_date()
    regulation = _waiting(regulation_id)
    if regulation.maker == by.staff_no:
        raise OwnRegulation(_("不能复核自己登记的政策法规。"))
    if regulation.content_sha256 != content_sha256:
        raise RegulationMoved(_("内容已变更，请重新阅读后再办。"))
    regulation.remark = _remark(remark, is_needed=not approve)
    regulation.state = RegulationState.APPROVED if approve else RegulationState.RETURNED
    regulation.checker, regulation.decided_at = by.staff_no, at
    regulation.save()
    if approve:
        _put_in_force(regulation, by=by, at=at, today=today)
    _tell(regulation, "followups.regulation_approved" if approve else "followups.regulation_returned", by, at, today)
    return regulation


@transaction.atomic
def withdraw_regulation(*, regulation_id: int, reason: str, by: Staff, at: datetime) -> Regulation:
    """Takes back what waits; its maker does that."""
    require(by, PROPOSE)
    today = hold_business_date()
    regulation = _waiting(regulation_id)
    if regulation.maker != by.staff_no:
        raise OwnRegulation(_("只有登记人可以撤回。"))
    regulation.remark = _remark(reason, is_needed=True)
    regulation.state, regulation.decided_at = RegulationState.WITHDRAWN, at
    regulation.save()
    _tell(regulation, "followups.regulation_withdrawn", by, at, today)
    return regulation


@transaction.atomic
def draft_from(*, regulation_id: int, from_on: date, by: Staff, at: datetime) -> FollowUpPolicy:
    """A draft of the follow-up policy because of an approved regulation, with the lines of the newest approved one."""
    require(by, PROPOSE)
    regulation = Regulation.objects.select_for_update().get(pk=regulation_id)
    if regulation.state != RegulationState.APPROVED:
        raise RegulationMoved(_("须先复核登记，才能据此起草策略。"))
    newest = FollowUpPolicy.objects.exclude(checker="").order_by("-version").first()
    policy = draft_policy(
        based_on=newest.version if newest else 0, purpose=_("按 %(number)s 调整") % {"number": regulation.number},
        from_on=from_on, by=by, at=at,
    )  # fmt: skip
    _link(regulation, policy, None, by=by, at=at)
    return policy


@transaction.atomic
def link_policy(
    *, regulation_id: int, version: int, line_number: int | None = None, by: Staff, at: datetime
) -> RegulationPolicy:
    """Says that a version of the policy, or a line of it, follows from the regulation; said twice it is once."""
    require(by, PROPOSE)
    regulation = Regulation.objects.select_for_update().get(pk=regulation_id)
    if regulation.state not in (RegulationState.WAITING, RegulationState.APPROVED):
        raise RegulationMoved(_("该项已退回或撤回。"))
    policy = FollowUpPolicy.objects.filter(version=version).first()
    if policy is None:
        raise RegulationUnclear(_("没有版本 v%(version)s。") % {"version": version}, field="version")
    if line_number is not None and not policy.lines.filter(number=line_number).exists():
        raise RegulationUnclear(_("该版本没有第 %(line)s 行。") % {"line": line_number}, field="line_number")
    return _link(regulation, policy, line_number, by=by, at=at)


def _link(
    regulation: Regulation, policy: FollowUpPolicy, line_number: int | None, *, by: Staff, at: datetime
) -> RegulationPolicy:
    known = regulation.policies.filter(policy=policy, line_number=line_number).first()
    if known is not None:
        return known
    made = RegulationPolicy.objects.create(
        regulation=regulation, policy=policy, line_number=line_number, by=by.staff_no, at=at
    )
    _tell(regulation, "followups.regulation_linked", by, at, hold_business_date(), policy=policy.version)
    return made


def _put_in_force(regulation: Regulation, *, by: Staff, at: datetime, today: date) -> None:
    """Parameters on their days, the one before it ended, all staff told."""
    for each in regulation.parameters.order_by("id"):
        change_parameter(
            code=each.code, value=each.value, from_on=each.from_on, source=regulation.number, by=by.staff_no, at=at
        )
    if regulation.replaces_id:
        Regulation.objects.filter(pk=regulation.replaces_id).update(ended_on=regulation.effective_on)
    Alert.objects.create(
        regulation=regulation, code=AlertCode.REGULATION, audience=AlertAudience.EVERYONE,
        due_on=regulation.effective_on, raised_on=today, tell_on=today, at=at,
    )  # fmt: skip


def _waiting(regulation_id: int) -> Regulation:
    regulation = Regulation.objects.select_for_update().get(pk=regulation_id)
    if regulation.state != RegulationState.WAITING:
        raise RegulationMoved(_("该项已由他人处理。"))
    return regulation


def _replaced(number: str, effective_on: date) -> Regulation | None:
    if not number.strip():
        return None
    found = Regulation.objects.filter(number=number.strip(), state=RegulationState.APPROVED).first()
    if found is None or found.ended_on is not None or found.effective_on > effective_on:
        raise RegulationUnclear(_("登记簿中没有可由此替代的文号。"), field="replaces")
    return found


def _said(text: str, field: str) -> str:
    least, most = _TEXTS[field]
    words = text.strip()
    if has_unseen_characters(words.replace("\n", "").replace("\r", "")) or not least <= len(words) <= most:
        raise RegulationUnclear(
            _("请填写 %(least)s 至 %(most)s 个可见字符。") % {"least": least, "most": most}, field=field
        )
    return words


def _remark(text: str, *, is_needed: bool) -> str:
    words = text.strip()
    if has_unseen_characters(words) or len(words) > 200 or (is_needed and len(words) < 4):
        raise RegulationUnclear(_("请写明理由（4 至 200 个字）。"), field="remark")
    return words


def _tell(regulation: Regulation, kind: str, by: Staff, at: datetime, today: date, **data: Any) -> None:
    record(
        kind=kind, subject_type="regulation", subject_id=regulation.pk, by=by.staff_no, at=at, business_date=today,
        data={"content_sha256": regulation.content_sha256, **data},
    )  # fmt: skip

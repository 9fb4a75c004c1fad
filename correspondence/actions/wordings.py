"""A reminder's wording from proposal to force: proposed by one, approved by another who read exactly these words.

A new version comes into force on a day ahead and closes the period of the one before it. Messages keep the version they
were made with.
"""

from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2.extras import DateRange

from correspondence.models import Channel, MessageKind, Template
from correspondence.rules.wording import LONGEST, faults
from correspondence.rules.wording import content_sha256 as sha256_of
from journal.actions import record
from journal.errors import ActionRefused
from loans.actions.breaks import checked_note
from loans.queries import hold_business_date
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

PROPOSE, APPROVE = "correspondence.propose_wording", "correspondence.approve_wording"


class WordingNotFit(ActionRefused):
    """Words that nobody could send: too long, or with fields missing or unknown."""

    code = "wording_not_fit"


class WordingWrongDate(ActionRefused):
    """The first day is not ahead, or a version that begins later was approved already."""

    code = "wording_wrong_date"


class WordingWaits(ActionRefused):
    """Another version of this kind waits for its second person."""

    code = "wording_waits"
    conflict = True


class WordingDecided(ActionRefused):
    """Approved, sent back or withdrawn meanwhile."""

    code = "wording_decided"
    conflict = True


class WordingChanged(ActionRefused):
    """The version is not the one that was read."""

    code = "wording_changed"
    conflict = True


class OwnWording(ActionRefused):
    """The maker may not check, and nobody else may withdraw."""

    code = "own_wording"


def words_of_fault(fault: str) -> str:
    """A fault of a text as a sentence."""
    code, _colon, name = fault.partition(":")
    if code == "too_long":
        return _("文字过长，最多 %(most)s 个字。") % {"most": LONGEST}
    if code == "brace":
        return _("花括号只用于字段，且须成对。")
    if code == "unknown":
        return _("没有字段 {%(name)s}。") % {"name": name}
    return _("缺少字段 {%(name)s}。") % {"name": name}


def check_text(text: str, kind: str = "") -> str:
    """The words without outer space; WordingNotFit tells every fault."""
    words = text.strip()
    if has_unseen_characters(words):
        raise WordingNotFit(_("文字含有不可见或控制字符。"), field="text")
    if found := faults(words, kind):
        raise WordingNotFit(" ".join(words_of_fault(each) for each in found), field="text")
    return words


@transaction.atomic
def propose_wording(*, kind: str, text: str, from_on: date, reason: str, by: Staff, at: datetime) -> Template:
    """A new version that waits for another person; one a kind."""
    require(by, PROPOSE)
    today = hold_business_date()
    if kind not in MessageKind.values:
        raise WordingNotFit(_("没有这种提醒。"), field="kind")
    words, reason = check_text(text, kind), checked_note(reason, field="reason")
    # Versions of a kind are counted under the lock of its newest.
    newest = Template.objects.select_for_update().filter(kind=kind).order_by("-version").first()
    waiting = Template.objects.filter(kind=kind, checker="", ended_at__isnull=True).first()
    if waiting is not None:
        raise WordingWaits(_("v%(version)s 正在等待复核，请先复核或撤回。") % {"version": waiting.version})
    _check_date(kind, from_on, today)
    made = Template.objects.create(
        kind=kind, channel=Channel.SMS, version=newest.version + 1 if newest else 1, text=words,
        in_force=DateRange(from_on, None, "[)"), maker=by.staff_no, made_at=at, purpose=reason,
        content_sha256=sha256_of(kind, Channel.SMS, from_on, words),
    )  # fmt: skip
    _tell(made, "correspondence.wording_proposed", by, at, today, from_on=str(from_on))
    return made


@transaction.atomic
def decide_wording(
    *, wording_id: int, approve: bool, content_sha256: str, remark: str = "", by: Staff, at: datetime
) -> Template:
    """Approves exactly the words that were read, or sends the version back with a reason."""
    require(by, APPROVE)
    today = hold_business_date()
    wording = _waiting(wording_id)
    if wording.maker == by.staff_no:
        raise OwnWording(_("复核人须不同于拟稿人。"))
    if wording.content_sha256 != content_sha256:
        raise WordingChanged(_("这一版与您看到的不同，请重新打开后再复核。"))
    wording.remark = checked_note(remark, field="remark") if remark.strip() or not approve else ""
    if approve:
        check_text(wording.text, wording.kind)
        _check_date(wording.kind, wording.in_force.lower, today)
        _close_the_one_before(wording)
        wording.checker, wording.checked_at = by.staff_no, at
    else:
        wording.ended_by, wording.ended_at = by.staff_no, at
    wording.save(update_fields=["remark", "checker", "checked_at", "ended_by", "ended_at"])
    kind = "correspondence.wording_approved" if approve else "correspondence.wording_returned"
    _tell(wording, kind, by, at, today, from_on=str(wording.in_force.lower))
    return wording


@transaction.atomic
def withdraw_wording(*, wording_id: int, reason: str, by: Staff, at: datetime) -> Template:
    """Takes back a version that waits; its maker does that, with a reason."""
    require(by, PROPOSE)
    today = hold_business_date()
    wording = _waiting(wording_id)
    if wording.maker != by.staff_no:
        raise OwnWording(_("只有拟稿人可以撤回自己的版本。"))
    wording.remark = checked_note(reason, field="reason")
    wording.ended_by, wording.ended_at = by.staff_no, at
    wording.save(update_fields=["remark", "ended_by", "ended_at"])
    _tell(wording, "correspondence.wording_withdrawn", by, at, today)
    return wording


def _waiting(wording_id: int) -> Template:
    wording = Template.objects.select_for_update().get(pk=wording_id)
    if wording.state != "WAITING":
        raise WordingDecided(_("v%(version)s 已不在等待复核。") % {"version": wording.version})
    return wording


def _check_date(kind: str, from_on: date, today: date) -> None:
    if from_on <= today:
        raise WordingWrongDate(_("生效日须晚于营业日 %(day)s。") % {"day": today}, field="from_on")
    later = Template.objects.exclude(checker="").filter(kind=kind, in_force__startswith__gte=from_on).first()
    if later is not None:
        told = {"version": later.version, "day": later.in_force.lower}
        raise WordingWrongDate(
            _("v%(version)s 已批准自 %(day)s 起生效，新版本的生效日须晚于该日。") % told, field="from_on"
        )


def _close_the_one_before(wording: Template) -> None:
    """The version in force ends where the new one begins; the database refuses any overlap."""
    from_on = wording.in_force.lower
    found = Template.objects.select_for_update().exclude(checker="").filter(kind=wording.kind, channel=wording.channel)
    for before in found.filter(in_force__contains=from_on):
        before.in_force = DateRange(before.in_force.lower, from_on, "[)")
        before.save(update_fields=["in_force"])


def _tell(wording: Template, kind: str, by: Staff, at: datetime, today: date, **more: Any) -> None:
    record(
        kind=kind, subject_type="wording", subject_id=wording.pk, by=by.staff_no, at=at, business_date=today,
        data={
            "kind": wording.kind, "version": wording.version, "content_sha256": wording.content_sha256, **more
        },
    )  # fmt: skip

"""Proposing a change: simulated once more, stored with what it gave and what the loan was."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from journal.actions import record, store_exhibit
from loans.actions.changes.refusals import ChangeAlreadyOpen, ChangeRefused, EvidenceRefused
from loans.actions.changes.simulate import simulate
from loans.changing import content_of
from loans.models import ChangeKind, ChangeState, ContractChange
from loans.models.changes import OPEN_CHANGE_STATES
from loans.queries import hold_business_date, lock_positions
from loans.rules.change_record import content_sha256
from people.actions import require
from people.models import Staff
from people.rules.identity import has_unseen_characters

REASON_LEAST, REASON_MOST = 4, 400
EVIDENCE_MOST = 10 * 1024 * 1024
# What a file begins with, by media type.
_TYPES = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
_WITH_EVIDENCE = (ChangeKind.WRITE_OFF,)


@transaction.atomic
def propose_change(
    *,
    loan_id: int,
    kind: str,
    asked: Mapping[str, str],
    reason: str,
    evidence: tuple[str, bytes] | None,
    by: Staff,
    at: datetime,
) -> ContractChange:
    """Stores a simulated change for a second person to decide. The caller has checked that the loan is visible."""
    require(by, "loans.propose_change")
    reason = checked_words(reason, "reason", REASON_LEAST, REASON_MOST)
    day = hold_business_date()
    lock_positions([loan_id])
    _check_none_open(loan_id)
    found = simulate(loan_id=loan_id, kind=kind, asked=asked, as_of=day)
    name, sha256 = _evidence(kind, evidence, at)
    change = ContractChange(
        loan_id=loan_id,
        kind=kind,
        asked={key: text for key, text in asked.items() if text != ""},
        effective_on=found.effective_on,
        expires_on=found.expires_on,
        loan_state=found.facts.state.to_json(),
        request=found.request,
        result=found.result,
        principal=Decimal(found.result["principal"]),
        interest=Decimal(found.result["interest"]),
        charges=Decimal(found.result["charges"]),
        fee=Decimal(found.result["fees"]),
        reason=reason,
        evidence_name=name,
        evidence_sha256=sha256,
        is_restructuring=found.is_restructuring,
        state=ChangeState.PROPOSED,
        proposed_by=by,
        proposed_at=at,
    )
    change.result_sha256 = content_sha256(content_of(change))
    change.save(force_insert=True)
    record(
        kind="loans.change_proposed", subject_type="contract_change", subject_id=change.pk, loan_id=loan_id,
        by=by.staff_no, at=at, business_date=day,
        data={"kind": kind, "effective_on": str(change.effective_on), "sha256": change.result_sha256},
    )  # fmt: skip
    return change


def checked_words(text: str, field: str, least: int, most: int) -> str:
    """A reason or note without outer space; ChangeRefused when it is too short, too long or has unseen characters."""
    words = text.strip()
    if has_unseen_characters(words):
        raise ChangeRefused(_("含有不可见或控制字符。"), field=field, code="unseen_characters")
    if not least <= len(words) <= most:
        message = _("请填写 %(least)d 至 %(most)d 个字。") % {"least": least, "most": most}
        raise ChangeRefused(message, field=field, code="wrong_length")
    return words


def _check_none_open(loan_id: int) -> None:
    rows = ContractChange.objects.filter(loan_id=loan_id, state__in=OPEN_CHANGE_STATES)
    there = rows.select_related("proposed_by").first()
    if there is not None:
        raise ChangeAlreadyOpen(
            _("%(who)s已提交“%(kind)s”申请，尚未办结；同一笔贷款同时只能有一项变更。")
            % {"who": there.proposed_by.name, "kind": ChangeKind(there.kind).label}
        )


def _evidence(kind: str, evidence: tuple[str, bytes] | None, at: datetime) -> tuple[str, str]:
    """Keeps the file; its name and hash, empty without one."""
    if evidence is None:
        if kind in _WITH_EVIDENCE:
            raise EvidenceRefused(_("请上传核销依据（PDF 或图片）。"), field="evidence")
        return "", ""
    name, content = evidence
    media_type = next((media for start, media in _TYPES.items() if content.startswith(start)), None)
    if media_type is None:
        raise EvidenceRefused(_("附件须为 PDF、PNG 或 JPEG 文件。"), field="evidence")
    if len(content) > EVIDENCE_MOST:
        raise EvidenceRefused(_("附件不得超过 10 MB。"), field="evidence")
    name = checked_words(name.replace("\\", "/").rpartition("/")[2], "evidence", 1, 200)
    return name, store_exhibit(content=content, media_type=media_type, at=at).sha256

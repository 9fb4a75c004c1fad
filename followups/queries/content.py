"""Gathers what a report is made of and hands it to the pure builder.

Limits are those in force on the day the loan was signed (新老划断): a contract keeps its rules.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from collateral.models import Charge
from collateral.queries import balances_beside, charges_of, value_of
from followups.models import (
    CorrectionReason,
    Level,
    Method,
    ReportCorrection,
    ReportState,
    ReturnReason,
    TaskKind,
    Visit,
    VisitAttachment,
    VisitReport,
    VisitTask,
)
from followups.queries.attachments import attachments_of, reused
from followups.queries.events import Behind, behind, items_of
from followups.queries.facts import (
    days_past_due_of,
    in_both,
    is_known_to,
    known_facts,
    repayment_facts,
    source_label,
)
from followups.queries.grades import grade_said
from followups.queries.measures import measures_said
from followups.queries.opinions import opinion_of
from followups.queries.photos import flags_of
from followups.queries.projects import project_notes
from followups.queries.returns import last_return, parts_to_mend
from followups.queries.score import Made, last_ratios, reports_of, score_said
from followups.rules import checklist, clock, warning_facts
from followups.rules.assessment import Limits, LoanFigures, Means, assess
from followups.rules.events import ITEM_PREFIX, PROJECT_RULE
from followups.rules.report import CONCLUSION_LABELS, Inputs, build, findings
from followups.rules.report_masking import masked
from followups.rules.score_facts import confirmed_codes
from followups.signal_wording import inputs_words, signal_words
from followups.wording import evidence_lines, why, why_lines
from loans.models import Loan, RepaymentMethod
from loans.queries import calendar, parameter, payment_of, require_business_date
from people.models import Staff
from people.queries import branch_ids_visible_to, may
from people.rules.masking import mask_id, mask_phone
from risk.queries import warnings_of_visit

CHINESE = "zh-hans"


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies with a visit and is asked for more than once: what stands behind its task, its files, and the reports
    of its loan."""

    behind: Behind
    files: Sequence[VisitAttachment]
    reports: Sequence[Made]

    def next_version(self, visit: Visit) -> int:
        """The version that the visit's next report is."""
        return sum(made.visit_id == visit.pk for made in self.reports) + 1


def beside_of(task: VisitTask, visit: Visit) -> Beside:
    """Read once on the way to a report, by whoever holds the task."""
    return Beside(behind(task), list(attachments_of(visit)), reports_of(task.loan_id))


@dataclass(frozen=True)
class ReportParts:
    """Whose report: `at` is None for a preview."""

    task: VisitTask
    visit: Visit
    draft: Mapping[str, Any]
    version: int
    second: Staff | None
    at: datetime | None
    beside: Beside


def known_for(task: VisitTask) -> dict[str, Any]:
    """What is known of the task's loan, and what triggered the task; frozen when a visit starts."""
    facts = known_facts(task.loan)
    on = require_business_date().isoformat()
    facts["trigger_facts"] = {
        "value": task.rule,
        "source": "SYSTEM",
        "on": on,
        "text": in_both(lambda: _("；").join(why_lines(task))),
    }
    if task.evidence:
        words = in_both(lambda: _("；").join(_evidence_words(line) for line in evidence_lines(task.evidence)))
        facts["off_site_evidence"] = {"value": "EVIDENCE", "source": "SYSTEM", "on": on, "text": words}
    return facts


def _evidence_words(line: Mapping[str, str]) -> str:
    detail = f"（{line['detail']}）" if line["detail"] else ""
    return f"{line['item']} {line['result']}{detail}"


def is_open_to(report: VisitReport, staff: Staff) -> bool:
    """Who reads name and address in full: own portfolio, own open task, or a reviewer who must still decide."""
    must_decide = report.state == ReportState.SUBMITTED and may(staff, "followups.review")
    return is_known_to(report.visit.task, staff) or (must_decide and report.branch_id in branch_ids_visible_to(staff))


def content_for(report: VisitReport, staff: Staff) -> dict[str, Any]:
    """The report's content as this person may read it."""
    return dict(report.content) if is_open_to(report, staff) else masked(report.content)


def content_seen(content: Mapping[str, Any], task: VisitTask, staff: Staff) -> dict[str, Any]:
    """Content not yet submitted, as this person may read it."""
    return dict(content) if is_known_to(task, staff) else masked(content)


def build_content(parts: ReportParts) -> dict[str, Any]:
    """The content of the report; the document speaks Chinese whatever the page speaks."""
    with translation.override(CHINESE):
        return _build(parts)


def _build(parts: ReportParts) -> dict[str, Any]:
    task, visit, loan = parts.task, parts.visit, parts.task.loan
    items, homes = items_of(task, visit, parts.beside.behind), list(charges_of(loan.pk))
    found = findings(items, parts.draft, visit.known)
    means = _means(visit.known, {}), _means(visit.known, parts.draft)
    assessment = assess(
        _figures(loan, homes),
        *means,
        limits_of(loan),
        findings=found,
        last=last_ratios(parts.beside.reports, but_visit=visit.pk),
    )
    last = VisitReport.objects.filter(visit=visit).order_by("-version").first() if parts.version > 1 else None
    corrects = visit.correction.corrects if visit.correction else None
    today = require_business_date()
    content = build(
        Inputs(
            report_no=f"HFBG{today:%Y%m%d}{visit.pk:07d}-{parts.version}",
            task_no=task.number,
            version=parts.version,
            cover=_cover(parts),
            why=_why(task, parts.beside.behind.members),
            repayment=repayment_facts(loan),
            collateral=_collateral(homes),
            items=items,
            draft=parts.draft,
            known=_with_source_words(visit.known),
            assessment=assessment,
            class_now=loan.position.five_class,
            visitors=_visitors(parts),
            clock=_clock(task, parts.at),
            attachments=_attachments(parts.beside.files, loan.pk),
            measures=measures_said(parts.draft),
            contacts=_contacts(task) if parts.at else (),
            grade=grade_said(loan),
            returned=_returned(visit, last),
            previous=corrects.content if corrects else last.content if last else None,
            corrects=_corrects(visit.correction, parts.at) if visit.correction else None,
        )
    )
    events = _events(content, parts.beside.behind)
    content |= _warnings(content, events, today)
    # A visit to a development says nothing of any one borrower.
    if task.rule != PROJECT_RULE:
        content["score"] = score_said(
            loan,
            visit.pk,
            parts.beside.reports,
            assessment,
            means,
            visit.known,
            content,
            confirmed_codes(content, events),
            today,
        )
    return content


def _events(content: Mapping[str, Any], known: Behind) -> list[tuple[int, str]]:
    """Events that the visit asked about, as (id, code)."""
    has_events = any(row["key"].startswith(ITEM_PREFIX) for part in content["sections"] for row in part["items"])
    return [(event.pk, event.code) for event, _is_open in known.events] if has_events else []


def _warnings(content: Mapping[str, Any], events: Sequence[tuple[int, str]], today: date) -> dict[str, Any]:
    """What the report warns of by the policy of the day, with what its lines looked at."""
    each = warning_facts.findings(content, events)
    version, warned = warnings_of_visit(warning_facts.figures(content), each, today)
    return {
        "signal_policy": version,
        "signals": [
            {
                "family": one.family, "code": one.code, "level": one.level, "line": one.line,
                "inputs": dict(one.inputs), "label": in_both(partial(signal_words, one.code)),
                "level_text": in_both(partial(_level_words, one.level)),
                "inputs_text": in_both(partial(inputs_words, one.inputs)),
            }
            for one in warned
        ],
    }  # fmt: skip


def _level_words(level: int) -> str:
    return str(Level(level).label)


def _why(task: VisitTask, members: Sequence[VisitTask]) -> list[dict[str, str]]:
    """The lines that say why, each in both languages."""
    notes = project_notes(task)

    def lines() -> list[str]:
        of_the_project = [_("涉及借据：%(notes)s") % {"notes": _("、").join(notes)}] if notes else []
        return [*why_lines(task), *map(_along, members), *of_the_project]

    with translation.override("en"):
        english = lines()
    return [{"zh": zh, "en": en} for zh, en in zip(lines(), english, strict=True)]


def _along(member: VisitTask) -> str:
    """A task that this visit does along, with the loan it is for and why."""
    words = {
        "number": member.number,
        "kind": TaskKind(member.kind).label,
        "note": member.loan.loan_note_no,
        "balance": f"{member.loan.position.principal_balance:,.2f}",
        "days": days_past_due_of(member.loan),
        "why": why(member),
    }
    return _("同户一并办理 %(number)s %(kind)s：借据 %(note)s，余额 %(balance)s，逾期 %(days)s 天，%(why)s") % words


def _figures(loan: Loan, homes: Sequence[Charge]) -> LoanFigures:
    return LoanFigures(
        installment=payment_of(loan),
        balance=loan.position.principal_balance + balances_beside([loan.pk]).get(loan.pk, Decimal(0)),
        property_value=_worth(homes),
        days_past_due=days_past_due_of(loan),
        class_floor=loan.position.class_floor,
    )


def _worth(homes: Sequence[Charge]) -> Decimal | None:
    """What the homes are worth together; None while the value of one is unknown."""
    known = value_of(homes)
    return known[0] if known else None


def limits_of(loan: Loan) -> Limits:
    """Limits of the loan's signing date; the disbursement day stands for it until contracts carry one."""
    signed_on = loan.disbursed_on
    alerts = parameter("ltv_alerts", signed_on, {})
    return Limits(
        payment_to_income=_percentage(parameter("pti_housing_max", signed_on, None)),
        debt_to_income=_percentage(parameter("pti_total_max", signed_on, None)),
        loan_to_value=_percentage(alerts.get("yellow") if isinstance(alerts, dict) else None),
    )


def _percentage(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(Decimal("0.1"))


def _means(known: Mapping[str, Any], draft: Mapping[str, Any]) -> Means:
    def amount(key: str) -> Decimal | None:
        answer = checklist.answer_of(draft, key)
        value = answer.get("now") if answer.get("choice") == "CHANGED" else known.get(key, {}).get("value")
        return Decimal(str(value)) if value else None

    return Means(
        income=amount("monthly_income"),
        spouse_income=amount("spouse_income"),
        property_fee=amount("property_fee"),
        other_debt=amount("other_monthly_debt"),
    )


def _with_source_words(known: Mapping[str, Any]) -> dict[str, Any]:
    return {key: {**fact, "source": source_label(str(fact.get("source") or ""))} for key, fact in known.items()}


def _cover(parts: ReportParts) -> dict[str, Any]:
    task, visit, loan = parts.task, parts.visit, parts.task.loan
    position = loan.position
    return {
        "bank": task.branch.name,
        "loan_note_no": loan.loan_note_no,
        "borrower": loan.borrower.name,
        "id_no": mask_id(loan.borrower.id_no),
        "phone": mask_phone(loan.borrower.phone),
        "repayment_method": str(RepaymentMethod(loan.repayment_method).label),
        "principal_original": f"{loan.principal_original:.2f}",
        "balance": f"{position.principal_balance:.2f}",
        "installment": f"{payment_of(loan):.2f}",
        "annual_rate_percent": f"{position.annual_rate_percent.normalize():f}",
        "disbursed_on": loan.disbursed_on.isoformat(),
        "matures_on": loan.matures_on.isoformat(),
        "kind": task.kind,
        "kind_text": str(TaskKind(task.kind).label),
        "method": visit.method,
        "method_text": str(Method(visit.method).label),
        "level": task.level,
        "level_text": str(Level(task.level).label),
        "created_on": task.created_on.isoformat(),
        "due_on": task.due_on.isoformat(),
        "started_at": _instant(visit.started_at),
        "submitted_at": _instant(parts.at),
        "business_date": require_business_date().isoformat(),
        "policy_version": task.policy_version,
        "policy_line": task.policy_line,
        "checklist_version": visit.checklist.version,
    }


def _instant(at: datetime | None) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def _visitors(parts: ReportParts) -> list[dict[str, Any]]:
    lead = parts.visit.lead_visitor
    at = _instant(parts.at)
    if parts.visit.correction:
        # Who led the visit signed it then; who corrects it is named with the correction.
        at = parts.visit.correction.corrects.content["opinions"][0]["at"]
    found = [{"role": "lead", "name": lead.name, "staff_no": lead.staff_no, "at": at}]
    if parts.second:
        found.append(_second(parts.visit, parts.second))
    return found


def _second(visit: Visit, second: Staff) -> dict[str, Any]:
    """The second visitor, with the own opinion once it is signed."""
    who = {"role": "second", "name": second.name, "staff_no": second.staff_no, "at": ""}
    opinion = opinion_of(visit, second)
    if opinion is None:
        return who
    said = {"conclusion": opinion.conclusion, "label": CONCLUSION_LABELS[opinion.conclusion], "text": opinion.text}
    return {**who, "at": _instant(opinion.at), **said}


def _collateral(charges: Sequence[Charge]) -> dict[str, Any]:
    value = _worth(charges)
    homes = [
        {
            "address": charge.property.address,
            "type_text": str(charge.property.get_property_type_display()),
            "value": f"{charge.property.value:.2f}" if charge.property.value is not None else "",
            "valued_on": charge.property.valued_on.isoformat() if charge.property.valued_on else "",
            "registration_text": str(charge.get_kind_display()),
            "registration_no": charge.registration_no,
            "registered_on": charge.registered_on.isoformat() if charge.registered_on else "",
        }
        for charge in charges
    ]
    return {"homes": homes, "value": f"{value:.2f}" if value is not None else ""}


def _attachments(rows: Sequence[VisitAttachment], loan_id: int) -> list[dict[str, Any]]:
    """What lies with the visit, with the hashes of what is kept; times in words, as the document shows them."""
    elsewhere, flags = reused(rows, loan_id), flags_of(rows, loan_id)
    return [
        {
            "id": row.pk,
            "name": row.name,
            "item": row.item,
            "sha256": row.exhibit.sha256,
            "media_type": row.exhibit.media_type,
            "size": row.exhibit.size,
            "taken_at": _instant(row.taken_at),
            "added_at": _instant(row.at),
            "by": row.by.name,
            "is_reused": row.pk in elsewhere,
            **flags[row.pk],
        }
        for row in rows
    ]


def _clock(task: VisitTask, at: datetime | None) -> list[dict[str, Any]]:
    events = list(task.events.order_by("id"))
    today = require_business_date()
    first = min((event.business_date for event in events), default=today)
    labels = {
        "WAITING": in_both(lambda: _("等待")),
        "VISITING": in_both(lambda: _("回访")),
        "REVIEWING": in_both(lambda: _("审核")),
        "CORRECTING": in_both(lambda: _("修改")),
        "TELLING": in_both(lambda: _("告知")),
    }
    return [
        {
            "code": step.code,
            "label": labels[step.code],
            "from": _instant(step.from_at),
            "to": _instant(step.to_at or at),
            "workdays": step.workdays,
        }
        for step in clock.steps(events, calendar(first, today), until=today)
    ]


def _contacts(task: VisitTask) -> list[dict[str, str]]:
    """Every attempt to reach the borrower until the report was handed in, the oldest first."""
    rows = task.attempts.order_by("id").values_list("at", "by__name", "outcome", "note", "recording")
    return [
        {"at": _instant(at), "by": name, "code": outcome, "note": note, "recording": recording}
        for at, name, outcome, note, recording in rows
    ]


def _corrects(correction: ReportCorrection, at: datetime | None) -> dict[str, Any]:
    """Which version this one is to take the place of, why, who asked for it and who makes it."""
    old = correction.corrects
    return {
        "version": old.version,
        "number": old.number,
        "sha256": old.content_sha256,
        "code": correction.code,
        "code_label": in_both(lambda: str(CorrectionReason(correction.code).label)),
        "reason": correction.words,
        "opened_by": correction.opened_by.name,
        "opened_on": correction.opened_on.isoformat(),
        "by": correction.officer.name,
        "staff_no": correction.officer.staff_no,
        "at": _instant(at),
    }


def came_back(visit: Visit, last: VisitReport | None) -> VisitReport | None:
    """The last version where it was sent back to be mended; one that an ended correction left behind was not."""
    if last is None or last.state != ReportState.RETURNED:
        return None
    if visit.correction is None:
        return last if last.corrects_id is None else None
    return last if last.version > visit.correction.after_version else None


def _returned(visit: Visit, last: VisitReport | None) -> dict[str, Any] | None:
    last = came_back(visit, last)
    if last is None:
        return None
    parts = parts_to_mend(last_return(visit.task))
    return {
        "version": last.version,
        "code": last.return_code,
        "code_label": in_both(lambda: str(ReturnReason(last.return_code).label) if last.return_code else ""),
        "reason": last.decision_note,
        "sections": [part["key"] for part in parts],
        "parts": parts,
        "by": last.decided_by.name if last.decided_by else "",
    }

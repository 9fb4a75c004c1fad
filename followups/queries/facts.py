"""What the bank knows of a loan before a visit: each fact with its source and day.

Facts that have a table of their own (means, telephone, registration, value) are read there; the
rest is what the last approved visit found. A fact nobody recorded is absent, and the form shows
基线缺失 instead of an old value.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from collateral.models import Charge
from collateral.queries import collateral_values
from followups.event_wording import kind_words, outside_words
from followups.models import (
    OPEN_STATES,
    CustomerResult,
    EventFeed,
    Finding,
    Visit,
    VisitReport,
    VisitTask,
)
from followups.queries.corrections import is_being_corrected_by
from followups.queries.cover import is_held_by
from followups.rules.checklist import answer_of
from followups.rules.delivery import NOT_DELIVERED
from followups.rules.projects import SHARED_FACTS
from loans import sql
from loans.models import FiveClass, Installment, Loan
from loans.queries import LoanReads, calendar, overdue_grace_days, require_business_date
from loans.rules.aging import days_past_due, last_day_to_pay
from loans.rules.dates import add_months
from people.models import FinancialProfile, Staff
from people.rules.masking import mask_address, mask_id, mask_name, mask_phone

Fact = dict[str, Any]
# Approved reports of a loan's own visits and of developments whose finding it took.
_APPROVED_OF = """
SELECT r.id FROM followups_visitreport r JOIN followups_visit v ON v.id = r.visit_id
 WHERE r.state = 'APPROVED' AND v.task_id IN (
       SELECT id FROM followups_visittask WHERE loan_id = %(loan)s
       UNION ALL SELECT p.lead_id FROM followups_projectloan l JOIN followups_projectvisit p ON p.id = l.project_id
                  WHERE l.loan_id = %(loan)s AND l.is_shared)
"""
# The bureau's last clean record of a customer, then the last event of it that stands.
_BUREAU = """
(SELECT true, happened_on, words, code FROM followups_outsiderecord
  WHERE customer_id = %(customer)s AND feed = %(feed)s ORDER BY happened_on DESC, id DESC LIMIT 1)
UNION ALL
(SELECT false, happened_on, words, code FROM followups_event e
  WHERE customer_id = %(customer)s AND feed = %(feed)s AND NOT is_baseline
    AND NOT EXISTS (SELECT FROM followups_eventfinding f WHERE f.event_id = e.id AND f.finding = ANY(%(untrue)s))
  ORDER BY happened_on DESC, id DESC LIMIT 1)
"""
# What was billed between two days with when it was settled, what is billed and not paid, and the last payment.
_REPAID = """
SELECT i.due, i.settled, i.unpaid, r.value_on, r.amount
  FROM (SELECT array_agg(due_on ORDER BY due_on) FILTER (WHERE due_on BETWEEN %(first)s AND %(today)s) AS due,
               array_agg(settled_on ORDER BY due_on) FILTER (WHERE due_on BETWEEN %(first)s AND %(today)s) AS settled,
               coalesce(sum(principal + interest - principal_paid - interest_paid)
                            FILTER (WHERE settled_on IS NULL), 0) AS unpaid
          FROM loans_installment WHERE loan_id = %(loan)s) i
  LEFT JOIN LATERAL (SELECT value_on, amount FROM loans_receipt WHERE loan_id = %(loan)s AND state = 'POSTED'
                      ORDER BY value_on DESC, id DESC LIMIT 1) r ON true
"""


def source_label(source: str) -> str:
    """A fact's source in words; what is no code of ours is a source in words already."""
    return {
        "TAPE": _("期初数据"),
        "tape": _("期初数据"),
        "VISIT": _("回访"),
        "LAST_VISIT": _("上次回访"),
        "REGISTER": _("登记簿"),
        "SYSTEM": _("系统数据"),
        "VALUATION": _("评估"),
        "BUREAU": _("征信"),
    }.get(source, source)


def days_past_due_of(loan: Loan) -> int:
    return days_past_due(loan.position.overdue_since, require_business_date())


def property_value_of(loan: Loan) -> Decimal | None:
    """Latest values of all homes charged for the loan; None while unknown."""
    known = collateral_values([loan.pk]).get(loan.pk)
    return known[0] if known else None


def payment_strip(loan: Loan, months: int = 12, reads: LoanReads | None = None) -> list[dict[str, str]]:
    """The last months, oldest first: {"month": "2026-10", "mark": ON_TIME | LATE | UNPAID | NONE}.

    Billed installments speak first; months before the books were taken over come from the payment
    record of the tape.
    """
    today = reads.today if reads else require_business_date()
    first = add_months(today.replace(day=1), 1 - months)
    return _strip(loan, first, today, months, _billed_between(loan, first, today, reads), reads)


def _strip(
    loan: Loan,
    first: date,
    today: date,
    months: int,
    billed: Iterable[tuple[date, date | None]],
    reads: LoanReads | None = None,
) -> list[dict[str, str]]:
    marks = _recorded_marks(loan)
    days = reads.days if reads else calendar(first, today)
    grace = reads.grace_days if reads else overdue_grace_days(today)
    for due_on, settled_on in billed:
        last_day = last_day_to_pay(due_on, grace, days)
        if settled_on is not None:
            mark = "ON_TIME" if settled_on <= last_day else "LATE"
        else:
            mark = "LATE" if today > last_day else "UNPAID"
        marks[f"{due_on:%Y-%m}"] = mark
    strip = []
    for step in range(months):
        month = f"{add_months(first, step):%Y-%m}"
        strip.append({"month": month, "mark": marks.get(month, "NONE")})
    return strip


def _billed_between(loan: Loan, first: date, last: date, reads: LoanReads | None) -> list[tuple[date, date | None]]:
    if reads:
        return [(row.due_on, row.settled_on) for row in reversed(reads.billed) if first <= row.due_on <= last]
    found = Installment.objects.filter(loan=loan, due_on__gte=first, due_on__lte=last).order_by("due_on")
    return list(found.values_list("due_on", "settled_on"))


def _recorded_marks(loan: Loan) -> dict[str, str]:
    if not loan.payment_record or loan.baseline_on is None:
        return {}
    last = loan.baseline_on.replace(day=1)
    marks = {}
    for back, mark in enumerate(reversed(loan.payment_record)):
        if mark == "N":
            marks[f"{add_months(last, -back):%Y-%m}"] = "ON_TIME"
        elif mark.isdigit():
            marks[f"{add_months(last, -back):%Y-%m}"] = "LATE"
    return marks


def repayment_facts(loan: Loan, months: int = 12) -> dict[str, Any]:
    """Strip, counts and arrears as a report shows them; JSON-able."""
    today = require_business_date()
    first = add_months(today.replace(day=1), 1 - months)
    asked = {"loan": loan.pk, "first": first, "today": today}
    ((due, settled, amount, paid_on, paid),) = sql.rows(_REPAID, asked)
    strip = _strip(loan, first, today, months, zip(due or (), settled or (), strict=True))
    marks = [month["mark"] for month in strip]
    return {
        "months": strip,
        "on_time": marks.count("ON_TIME"),
        "late": marks.count("LATE"),
        "days_past_due": days_past_due_of(loan),
        "overdue_amount": f"{amount:.2f}" if loan.position.overdue_since else "0.00",
        "last_payment": {"on": paid_on.isoformat(), "amount": f"{paid:.2f}"} if paid_on else None,
    }


def known_facts(loan: Loan) -> dict[str, Fact]:
    """{fact key: {"value", "source", "on"}}; system facts also carry "text" in both languages."""
    facts = _facts_of_last_visit(loan)
    facts.update(_facts_of_party(loan))
    facts.update(_facts_of_bureau(loan, facts.get("bureau_summary")))
    register = _facts_of_collateral(loan, facts.get("occupancy"))
    facts.update({key: fact for key, fact in register.items() if not _is_seen_since(facts.get(key), key)})
    facts.update(_facts_of_system(loan))
    return facts


def _fact(value: object, source: str, on: date | None, **more: Any) -> Fact:
    return {"value": str(value), "source": source, "on": on.isoformat() if on else "", **more}


def _facts_of_last_visit(loan: Loan) -> dict[str, Fact]:
    """The newest answer of any approved report, item by item: not every kind of visit asks everything.

    A report holds telephone numbers masked, so these are read from the draft that it binds.
    """
    # Of most loans none has been made yet, and then nothing wide is asked for.
    ids = [pk for (pk,) in sql.rows(_APPROVED_OF, {"loan": loan.pk})]
    reports = (
        VisitReport.objects.filter(pk__in=ids)
        .order_by("-submitted_on", "-id")
        .select_related("visit__checklist", "visit__task")
        .defer("visit__known")
        if ids
        else ()
    )
    answered: dict[str, Fact] = {}
    carried: dict[str, Fact] = {}
    for report in reports:
        is_own = report.visit.task.loan_id == loan.pk
        keys = {
            item["key"]: item["before"]
            for item in report.visit.checklist.items
            if item["before"] and (is_own or item["key"] in SHARED_FACTS)
        }
        phones = {item["key"] for item in report.visit.checklist.items if item.get("format") == "phone"}
        for section in report.content["sections"]:
            for row in section["items"]:
                key = keys.get(row["key"])
                if not key or row["state"] == "SYSTEM":
                    continue
                if row["state"] in ("CHANGED", "BASELINE"):
                    # What the draft has lost stays as the report shows it.
                    typed = answer_of(report.visit.draft, row["key"]).get("now") if row["key"] in phones else None
                    now = typed or row["now"]
                    answered.setdefault(key, _fact(now, "LAST_VISIT", report.submitted_on))
                elif row["before"] and row["key"] not in phones:
                    source, on = row["before_source"], row["before_on"]
                    carried.setdefault(key, {"value": row["before"], "source": source, "on": on})
    return carried | answered


def _facts_of_party(loan: Loan) -> dict[str, Fact]:
    facts = {}
    if loan.borrower.phone:
        facts["phone"] = _fact(loan.borrower.phone, "TAPE" if loan.baseline_on else "SYSTEM", loan.baseline_on)
    for profile in FinancialProfile.objects.filter(party_id=loan.borrower_id).order_by("-known_on", "-id")[:1]:
        if profile.employer:
            facts["employer"] = _fact(profile.employer, profile.source, profile.known_on)
        if profile.monthly_income is not None:
            facts["monthly_income"] = _fact(profile.monthly_income, profile.source, profile.known_on)
        if profile.other_monthly_debt is not None:
            facts["other_monthly_debt"] = _fact(profile.other_monthly_debt, profile.source, profile.known_on)
    return facts


def _facts_of_collateral(loan: Loan, occupancy_seen: Fact | None) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    charge = Charge.objects.filter(loan=loan).select_related("property").order_by("id").first()
    if charge is None:
        return facts
    home = charge.property
    if home.value is not None:
        facts["property_value"] = _fact(
            home.value, "VALUATION", home.valued_on, text={"zh": f"{home.value:,.2f}", "en": f"{home.value:,.2f}"}
        )
    if home.is_owner_occupied is not None and not _agrees(occupancy_seen, home.is_owner_occupied):
        facts["occupancy"] = _fact("OWNER" if home.is_owner_occupied else "NOT_OWNER", "TAPE", loan.baseline_on)
    if charge.kind != "NOT_RECORDED":
        facts["registration_kind"] = _fact(charge.kind, "REGISTER", charge.registered_on)
        facts["mortgage_rank"] = _fact(_RANKS.get(charge.rank, "LATER"), "REGISTER", charge.registered_on)
    if charge.registration_no:
        facts["registration_no"] = _fact(charge.registration_no, "REGISTER", charge.registered_on)
    if charge.registered_on:
        facts["registered_on"] = _fact(charge.registered_on, "REGISTER", charge.registered_on)
    return facts


# Order of satisfaction as a visit asks for it.
_RANKS = {1: "FIRST", 2: "SECOND"}
# What a visit finds and nobody writes into the register: its word stands until another visit's.
_SEEN_ONLY = ("mortgage_rank", "registered_on")


def _is_seen_since(seen: Fact | None, key: str) -> bool:
    return key in _SEEN_ONLY and seen is not None and seen["source"] == "LAST_VISIT"


def _facts_of_bureau(loan: Loan, seen: Fact | None) -> dict[str, Fact]:
    """What the bureau told last of the borrower, clean or not: its words, else the name of what it told. What was found
    untrue or is over counts as little as with off-site checks; what a visit read since stands."""
    untrue = [Finding.NOT_CONFIRMED.value, Finding.OVER.value, Finding.WITHDRAWN.value]
    asked = {"customer": loan.borrower_id, "feed": EventFeed.BUREAU.value, "untrue": untrue}
    with translation.override("zh-hans"):
        found = [
            (on, words or (outside_words if is_clean else kind_words)(code))
            for is_clean, on, words, code in sql.rows(_BUREAU, asked)
        ]
    if not found:
        return {}
    on, value = max(found, key=lambda one: one[0])
    if seen is not None and seen["source"] == "LAST_VISIT" and seen["on"] > on.isoformat():
        return {}
    return {"bureau_summary": _fact(value, "BUREAU", on)}


def _agrees(seen: Fact | None, is_owner_occupied: bool) -> bool:
    """The last visit's word (let, vacant, …) is finer than the register's yes or no, which a home that is not handed
    over leaves open."""
    return seen is not None and (seen["value"] == NOT_DELIVERED or (seen["value"] == "OWNER") == is_owner_occupied)


def _facts_of_system(loan: Loan) -> dict[str, Fact]:
    today = require_business_date()
    counted = repayment_facts(loan)
    value = f"{counted['on_time']}/{counted['late']}"
    five_class = loan.position.five_class
    return {
        "payment_strip": _fact(value, "SYSTEM", today, text=in_both(lambda: _strip_words(counted))),
        "five_class": _fact(
            five_class, "SYSTEM", today, text=in_both(lambda: str(FiveClass(five_class).label))
        ),
    }  # fmt: skip


def _strip_words(counted: dict[str, Any]) -> str:
    words = _("按期 %(on_time)s 期，迟付 %(late)s 期") % counted
    if counted["days_past_due"]:
        words += _("；目前逾期 %(days)s 天，欠 %(amount)s") % {
            "days": counted["days_past_due"],
            "amount": f"{Decimal(counted['overdue_amount']):,.2f}",
        }
    return words


def in_both(words: Callable[[], str]) -> dict[str, str]:
    """The same words in both languages, for facts that are frozen."""
    both = {}
    for key, language in (("zh", "zh-hans"), ("en", "en")):
        with translation.override(language):
            both[key] = words()
    return both


def is_known_to(task: VisitTask, staff: Staff, is_second: bool | None = None) -> bool:
    """Own portfolio, or an open task that one holds or goes along with: who and where are no secret there.

    `is_second`: whether one goes along, where that is known already.
    """
    if task.loan.portfolio_officer_id == staff.pk:
        return True
    if task.state not in OPEN_STATES:
        # Who has still to tell the customer the result has to know who that is; so has who corrects the report.
        untold = CustomerResult.objects.filter(task=task.pk).untold()
        return (is_held_by(task, staff) and untold.exists()) or is_being_corrected_by(task, staff)
    return is_held_by(task, staff) or (is_second_visitor(task, staff) if is_second is None else is_second)


def is_second_visitor(task: VisitTask, staff: Staff) -> bool:
    """Does the person go along as second visitor (协办人)?"""
    return Visit.objects.filter(task_id=task.pk, second_visitor=staff).exists()


def _home_of(task: Any) -> tuple[str, str]:
    """Address and district of the first home; a task of the desk brings them along."""
    if hasattr(task, "home_address"):
        return task.home_address or "", task.district or ""
    charge = Charge.objects.filter(loan_id=task.loan_id).select_related("property").order_by("id").first()
    return (charge.property.address, charge.property.district) if charge else ("", "")


def person_facts(task: VisitTask, staff: Staff | None = None, is_second: bool | None = None) -> dict[str, str]:
    """Who and where, as far as this person may see it.

    In an own open task or the own portfolio: full name and the home's full address. Elsewhere masked.
    Telephone and identity number are always masked; `people.actions.reveal` shows them with a reason.
    """
    loan = task.loan
    own = staff is not None and is_known_to(task, staff, is_second)
    address, district = _home_of(task)
    return {
        "name": loan.borrower.name if own else mask_name(loan.borrower.name),
        "address": address if own else mask_address(address),
        "district": district,
        "phone": mask_phone(loan.borrower.phone),
        "id_no": mask_id(loan.borrower.id_no),
    }

"""Who may open which page: every page of the resolver × every role × own, foreign and missing objects.

A page without a row here fails. What lies in another branch and what does not exist are the same bytes.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from followups import actions
from loans.actions.changes import propose_change
from loans.models import (
    ContractChange,
    Fee,
    LprRate,
    MoneyFile,
    Receipt,
    ReceiptBreak,
    Refund,
    RepricingItem,
    RepricingRun,
)
from tests.correspondence.rows import message_row, wording_row
from tests.factories import AT
from tests.web.across_rows import across_in
from tests.web.api_bank import ROLES, Bank, clean_draft, make_bank, money_rows, pay, pricing_rows
from tests.web.assignment_rows import certificate_in, event_in, handover_in, leave_in
from tests.web.contract_bodies import disclosure_in
from tests.web.letter_rows import DELIVERED, letter_in
from tests.web.policy_rows import area_row, policy_rows, regulation_row
from tests.web.review_rows import alike_in, correction_in, measure_in, photo_hint_in
from tests.web.visit_rows import attached, attachment_in, project_in

EVERYONE = set(ROLES)
LOAN_ROLES = EVERYONE - {"administrator"}
FOLLOW_UPS = LOAN_ROLES - {"operations"}
VISITORS = {"officer", "colleague", "stranger"}
REVIEWERS = {"manager", "risk"}
REPORTERS = {"manager", "risk", "auditor"}
REVEALERS = VISITORS | {"manager"}
PROPOSERS = VISITORS | {"manager", "operations"}
NOBODY: set[str] = set()
POLICY_READERS = {"risk", "auditor"}
WHOLE_BANK = {"risk", "operations", "auditor"}
ANYONE = None
# Page → (roles let in, method, posted); None for roles means no sign-in is asked for.
TABLE: dict[str, tuple[set[str] | None, str, dict[str, str]]] = {
    "people:sign_in": (ANYONE, "get", {}),
    "people:sign_out": (ANYONE, "post", {}),
    "followups:desk": (FOLLOW_UPS, "get", {}),
    "followups:assign_many": ({"manager"}, "post", {}),
    "followups:desk_file": (FOLLOW_UPS, "get", {}),
    "followups:view_save": (FOLLOW_UPS, "post", {"name": "红的", "query": "chip=urgent"}),
    "followups:merge_ticked": (FOLLOW_UPS, "post", {}),
    "followups:second_ticked": (FOLLOW_UPS, "post", {"second": "nobody"}),
    "followups:close_ticked": (FOLLOW_UPS, "post", {"note": "已核对"}),
    "followups:forms_ticked": (FOLLOW_UPS, "post", {}),
    "followups:message_ticked": (FOLLOW_UPS, "post", {"on": "2026-12-01"}),
    "followups:dial": (VISITORS, "post", {}),
    "followups:navigate": (VISITORS, "post", {}),
    "followups:reassign": (VISITORS, "post", {"reason": "与客户有亲属关系"}),
    "followups:reassign_decide": ({"manager"}, "post", {"verb": "refuse", "note": "请继续办理"}),
    "followups:task": (FOLLOW_UPS, "get", {}),
    "followups:drawer": (FOLLOW_UPS, "get", {}),
    "followups:start": (VISITORS, "post", {}),
    "followups:claim": (VISITORS, "post", {}),
    "followups:assign": ({"manager"}, "post", {"officer": "nobody", "reason": "客户经理休假"}),
    "followups:skip": (FOLLOW_UPS, "post", {"reason": "客户出国定居"}),
    "followups:skip_decide": (REVIEWERS, "post", {"verb": "refuse", "note": "请继续联系", "content_sha256": "0" * 64}),
    "followups:turn_around": (REPORTERS, "get", {}),
    "followups:signals": (FOLLOW_UPS, "get", {}),
    "followups:signals_file": (FOLLOW_UPS, "get", {}),
    "followups:loan_events_file": (FOLLOW_UPS, "get", {}),
    "followups:review_file": (REVIEWERS, "get", {}),
    "followups:measures_file": (FOLLOW_UPS, "get", {}),
    "followups:results_file": (FOLLOW_UPS, "get", {}),
    "followups:digest_file": (FOLLOW_UPS, "get", {}),
    "followups:day_plan_file": (FOLLOW_UPS, "get", {}),
    "followups:notices_file": (FOLLOW_UPS, "get", {}),
    "areas": (POLICY_READERS, "get", {}),
    "followups:regulations": (POLICY_READERS, "get", {}),
    "followups:regulation": (POLICY_READERS, "get", {}),
    "area": (POLICY_READERS, "get", {}),
    "followups:loan_signals": (FOLLOW_UPS, "get", {}),
    "followups:loan_letters": (FOLLOW_UPS, "get", {}),
    "followups:letter_pdf": (FOLLOW_UPS, "get", {}),
    "followups:letter_deliver": (FOLLOW_UPS, "post", DELIVERED),
    "followups:letter_withdraw": (FOLLOW_UPS, "post", {"reason": "期限写错了"}),
    "followups:letter_undo": (FOLLOW_UPS, "post", {"reason": "登记错了文书"}),
    "followups:loan_registrable": (VISITORS | {"manager"}, "post", {"registrable_on": "2026-10-30"}),
    "followups:tell": (FOLLOW_UPS, "post", {"channel": "PHONE", "heard_by": "BORROWER", "words": "已说明审核结果"}),
    "followups:tell_undo": (FOLLOW_UPS, "post", {"reason": "登记错了任务"}),
    "followups:results": (FOLLOW_UPS, "get", {}),
    "followups:customer_status": (LOAN_ROLES, "get", {}),
    "followups:turn_around_tasks": (REPORTERS, "get", {}),
    "followups:turn_around_file": (REPORTERS, "get", {}),
    "followups:visit_register": (REPORTERS, "get", {}),
    "followups:visit_register_file": (REPORTERS, "get", {}),
    "followups:digests": (FOLLOW_UPS, "get", {}),
    "followups:notices": (FOLLOW_UPS, "get", {}),
    "followups:notices_count": (FOLLOW_UPS, "get", {}),
    "followups:notices_read": (FOLLOW_UPS, "post", {"up_to": "0"}),
    "followups:certificates": (FOLLOW_UPS, "get", {}),
    "followups:certificate_end": ({"manager"}, "post", {}),
    "followups:reschedule": (FOLLOW_UPS, "post", {"to": "2026-11-20", "reason": "客户出差"}),
    "followups:opinion": (VISITORS, "post", {"version": "1", "conclusion": "NO_CONCERN"}),
    "followups:attempt": (VISITORS, "post", {"outcome": "NO_ANSWER"}),
    "followups:lost": (VISITORS, "post", {"note": "多次联系不上"}),
    "followups:field": (VISITORS, "post", {"note": "多次联系不上"}),
    "followups:pause": (FOLLOW_UPS, "post", {"reason": "HOSPITAL", "until": "2026-11-05"}),
    "followups:resume": (FOLLOW_UPS, "post", {}),
    "followups:method": (FOLLOW_UPS, "post", {"method": "VIDEO", "note": "客户要求视频"}),
    "followups:property_visit": (FOLLOW_UPS, "post", {"reason": "外墙开裂需查看", "due_on": "2026-11-10"}),
    "followups:hold": (VISITORS, "post", {"tab": "window-one"}),
    "followups:attach": (VISITORS, "post", {}),
    "followups:attachment": (FOLLOW_UPS, "get", {}),
    "followups:attachment_remove": (VISITORS, "post", {}),
    "followups:attachment_item": (VISITORS, "post", {"item": ""}),
    "followups:visit": (FOLLOW_UPS, "get", {}),
    "followups:draft": (VISITORS, "post", {"version": "1"}),
    "followups:submit": (VISITORS, "post", {"version": "1"}),
    "followups:capacity": (REPORTERS, "get", {}),
    "followups:capacity_file": (REPORTERS, "get", {}),
    "followups:day_plan": (FOLLOW_UPS, "get", {}),
    "followups:handover": ({"manager"}, "get", {}),
    "followups:handover_list": ({"manager"}, "get", {}),
    "followups:handover_reverse": ({"manager"}, "post", {"reason": "离职取消"}),
    "followups:leave": (FOLLOW_UPS, "get", {}),
    "followups:leave_end": (FOLLOW_UPS, "post", {}),
    "followups:loan_events": (FOLLOW_UPS, "get", {}),
    "followups:more": (VISITORS, "post", {"section": "occupancy", "version": "1"}),
    "followups:thumbnail": (FOLLOW_UPS, "get", {}),
    "followups:relations": (FOLLOW_UPS, "post", {"kind": "SPOUSE", "id_no": "0"}),
    "followups:estate": (FOLLOW_UPS, "get", {}),
    "followups:project": (FOLLOW_UPS, "get", {}),
    "followups:past_visits": (FOLLOW_UPS, "post", {"decision": "LOAN"}),
    "followups:event_withdraw": ({"manager"}, "post", {"reason": "录错客户"}),
    "followups:merge": (FOLLOW_UPS, "post", {"task": "1", "mode": "JOINT"}),
    "followups:unmerge": (FOLLOW_UPS, "post", {"reason": "客户要求分开"}),
    "event_feed": ({"operations", "risk"}, "get", {}),
    "followups:review": (REVIEWERS, "get", {}),
    "followups:report": (FOLLOW_UPS, "get", {}),
    "followups:report_pdf": (FOLLOW_UPS, "get", {}),
    "followups:approve": (REVIEWERS, "post", {"content_sha256": "0" * 64}),
    "followups:return": (
        REVIEWERS,
        "post",
        {"content_sha256": "0" * 64, "code": "OTHER", "reason": "请补充还款来源", "sections": "income"},
    ),
    "followups:correct": (REVIEWERS, "post", {"code": "OTHER", "words": "核对后发现有误"}),
    "followups:corrections": (FOLLOW_UPS, "get", {}),
    "followups:correction_withdraw": (REVIEWERS, "post", {"words": "核对后无须更正"}),
    "followups:reports": (REVIEWERS, "get", {}),
    "followups:look_alike": (REVIEWERS, "get", {}),
    "followups:photo_proof": (REVIEWERS, "get", {}),
    "followups:month_tasks": (REVIEWERS, "get", {}),
    "followups:approve_clean": (REVIEWERS, "post", {}),
    "followups:measures": (FOLLOW_UPS, "get", {}),
    **dict.fromkeys(("followups:across", "followups:across_file", "followups:across_count"), ({"manager"}, "get", {})),
    "followups:across_together": ({"manager"}, "post", {"officer": "nobody"}),
    "followups:across_apart": ({"manager"}, "post", {"reason": "分别回访"}),
    "followups:measure_end": (FOLLOW_UPS, "post", {"words": "已经落实"}),
    "correspondence:messages": (REPORTERS | {"operations"}, "get", {}),
    "correspondence:message": (REPORTERS | {"operations"}, "get", {}),
    "correspondence:of_loan": (LOAN_ROLES, "get", {}),
    "correspondence:contact": (PROPOSERS, "post", {"ground": "ASKED", "heard": "PHONE", "reason": "客户要求停发"}),
    "correspondence:wordings": (WHOLE_BANK, "get", {}),
    "correspondence:wording": (WHOLE_BANK, "get", {}),
    "followups:policies": (POLICY_READERS, "get", {}),
    "followups:policy": (POLICY_READERS, "get", {}),
    "followups:policy_loans": (POLICY_READERS, "get", {}),
    "followups:policy_loans_csv": (POLICY_READERS, "get", {}),
    "followups:policy_loans_xlsx": (POLICY_READERS, "get", {}),
    "followups:policy_load": (POLICY_READERS, "get", {}),
    "followups:policy_load_file": (POLICY_READERS, "get", {}),
    "loans:list": (LOAN_ROLES, "get", {}),
    "loans:contract": (LOAN_ROLES, "get", {}),
    "loans:contract_schedule": (LOAN_ROLES, "get", {}),
    "loans:postings": (LOAN_ROLES, "get", {}),
    "loans:statement": (LOAN_ROLES, "get", {}),
    "loans:statement_pdf": (LOAN_ROLES, "get", {}),
    "loans:statement_xlsx": (LOAN_ROLES, "get", {}),
    "loans:fees": (LOAN_ROLES, "get", {}),
    "loans:fee_charge": ({"operations"}, "get", {}),
    "loans:fee_waive": ({"operations"}, "get", {}),
    "loans:payment": ({"operations"}, "get", {}),
    "loans:prepay": (PROPOSERS, "get", {"amount": "20000"}),
    "loans:changes": (LOAN_ROLES, "get", {}),
    "loans:changes_waiting": (LOAN_ROLES, "get", {}),
    "loans:change_new": (PROPOSERS, "get", {}),
    "loans:change": (LOAN_ROLES, "get", {}),
    "loans:change_rows": (LOAN_ROLES, "get", {}),
    "loans:change_print": (LOAN_ROLES, "get", {}),
    "loans:change_evidence": (LOAN_ROLES, "get", {}),
    "loans:change_decide": (REVIEWERS, "post", {"version": "1", "decision": "approve"}),
    "loans:change_sign": (PROPOSERS, "post", {"version": "2", "note": "柜面签署补充协议"}),
    "loans:change_apply": (PROPOSERS, "post", {}),
    "loans:change_withdraw": (PROPOSERS, "post", {"reason": "客户改变主意"}),
    "loans:change_reverse": (REVIEWERS, "post", {"reason": "客户误操作要求撤销"}),
    "loans:lpr": (LOAN_ROLES, "get", {}),
    "loans:lpr_decide": ({"risk"}, "post", {"verb": "approve"}),
    "loans:repricing_runs": (WHOLE_BANK, "get", {}),
    "loans:repricing_propose": ({"operations"}, "post", {"from_on": "2027-01-01", "to_on": "2027-01-01"}),
    "loans:repricing_run": (WHOLE_BANK, "get", {}),
    "loans:repricing_decide": ({"risk"}, "post", {"verb": "approve", "content_sha256": "0" * 64}),
    "loans:repricing_cancel": ({"operations"}, "post", {"reason": "等待下月公布"}),
    "loans:repricing_notices": (WHOLE_BANK, "get", {}),
    "loans:repricing_notice": (LOAN_ROLES, "get", {}),
    "loans:repricing_notice_pdf": (LOAN_ROLES, "get", {}),
    "loans:repricing_missed": (LOAN_ROLES, "get", {}),
    "loans:repricing_make_up": ({"operations"}, "post", {"to_on": "2026-11-01", "reason": "批次漏跑补做"}),
    "loans:report_aging": (REPORTERS, "get", {}),
    "loans:report_general": (REPORTERS, "get", {}),
    "loans:report_migration": (REPORTERS, "get", {}),
    "loans:report_collections": (REPORTERS, "get", {}),
    "loans:report_book": (REPORTERS, "get", {}),
    "loans:report_book_csv": (REPORTERS, "get", {}),
    "loans:report_file": (REPORTERS, "get", {}),
    "loans:wide_spreads": (LOAN_ROLES, "get", {}),
    "loans:wide_spreads_file": (LOAN_ROLES, "get", {}),
    "loans:disclosures": (LOAN_ROLES, "get", {}),
    "loans:disclosure": (LOAN_ROLES, "get", {}),
    "loans:disclosure_pdf": (LOAN_ROLES, "get", {}),
    "loans:disclosure_void": (PROPOSERS, "post", {"reason": "利率填错了"}),
    "loans:cost": (LOAN_ROLES, "get", {}),
    "loans:receipts": ({"operations", "auditor"}, "get", {}),
    "loans:reverse_receipt": ({"operations"}, "post", {"reason": "渠道重复划款"}),
    "loans:files": ({"operations", "auditor"}, "get", {}),
    "loans:make_debits": ({"operations"}, "post", {}),
    "loans:file": ({"operations", "auditor"}, "get", {}),
    "loans:debit_download": ({"operations"}, "get", {}),
    "loans:breaks": ({"operations", "auditor"}, "get", {}),
    "loans:close_break": ({"operations"}, "post", {"note": "渠道已重发文件"}),
    "loans:settle_receipt": ({"operations"}, "post", {"verb": "return", "note": "原路退回付款行"}),
    "loans:refunds": ({"operations", "auditor"}, "get", {}),
    "loans:refund": ({"operations", "auditor"}, "get", {}),
    "loans:propose_refund": ({"operations"}, "get", {}),
    "contract_new": ({"operations"}, "get", {}),
    "disclosure_new": (PROPOSERS, "get", {}),
    "money_upload": ({"operations"}, "get", {}),
    "loan_page": (LOAN_ROLES, "get", {}),
    "loan_schedule": (LOAN_ROLES, "get", {}),
    "dashboard": (REVIEWERS | {"auditor"}, "get", {}),
    "loan_visits": (LOAN_ROLES, "get", {}),
    "loan_timeline": (LOAN_ROLES, "get", {}),
    "loan_reveal": (REVEALERS, "post", {"field": "phone", "reason": "核对来电号码"}),
    "operations": ({"operations", "administrator"}, "get", {}),
    "operations_progress": ({"operations", "administrator"}, "get", {}),
    "operations_held": ({"operations"}, "post", {"held": "1"}),
    "operations_retry": ({"operations"}, "post", {"pending": "1"}),
}
# Pages of the loans room that take a loan's id.
LOAN_PAGES = {
    "correspondence:contact",
    "correspondence:of_loan",
    "loans:change_new",
    "loans:contract",
    "loans:contract_schedule",
    "loans:fee_charge",
    "loans:fees",
    "loans:payment",
    "loans:postings",
    "loans:prepay",
    "loans:propose_refund",
    "loans:statement",
    "loans:statement_pdf",
    "loans:statement_xlsx",
}
MONEY_PAGES = {
    "loans:file": "money", "loans:debit_download": "money", "loans:close_break": "break", "loans:refund": "refund",
    "loans:fee_waive": "fee",
}  # fmt: skip
# Pages of the bank's runs and rates, which belong to no branch.
SHARED_PAGES = {
    "loans:lpr_decide": LprRate, "loans:repricing_run": RepricingRun, "loans:repricing_decide": RepricingRun,
    "loans:repricing_cancel": RepricingRun, "loans:repricing_notices": RepricingRun,
}  # fmt: skip
WITHOUT_TASK = {
    "followups:reports", "followups:approve_clean", "followups:measures", "followups:corrections",
    "followups:desk", "followups:desk_file", "followups:view_save", "followups:merge_ticked", "followups:second_ticked",
    "followups:close_ticked", "followups:forms_ticked", "followups:message_ticked",
    "followups:assign_many", "followups:review", "followups:leave", "followups:capacity",
    "followups:day_plan", "followups:handover", "followups:turn_around", "followups:turn_around_tasks",
    "followups:signals", "followups:regulations", "followups:notices", "followups:notices_count", "followups:digests",
    "followups:notices_read", "followups:certificates", "followups:results", "followups:visit_register",
    "followups:signals_file", "followups:review_file", "followups:measures_file", "followups:results_file",
    "followups:digest_file", "followups:day_plan_file", "followups:notices_file",
    "followups:across", "followups:across_file", "followups:across_count",
}  # fmt: skip
REPORT_PAGES = (
    "followups:report", "followups:report_pdf", "followups:approve", "followups:return", "followups:correct"
)  # fmt: skip
OF_REPORTS = {"followups:correction_withdraw": correction_in, "followups:measure_end": measure_in}
IN_BRANCH = {
    "followups:across_together": across_in, "followups:across_apart": across_in, "followups:project": project_in,
    "followups:certificate_end": certificate_in, "followups:event_withdraw": event_in, "followups:leave_end": leave_in,
}  # fmt: skip
NOT_PAGES = {"alive", "ready", "set_language"}


def page_names(resolver: Any = None, space: str = "") -> Iterator[str]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            if str(entry.pattern).startswith("api/"):
                continue
            yield from page_names(entry, f"{entry.namespace}:" if entry.namespace else space)
        elif isinstance(entry, URLPattern) and entry.name:
            yield space + entry.name


@pytest.fixture
def bank(db: None) -> Bank:
    bank = make_bank()
    for loan in bank.loans.values():
        pay(loan)
    pricing_rows(bank)
    for place, who in (("home", "officer"), ("other", "stranger")):
        money_rows(bank, place)
        propose_change(
            loan_id=bank.loans[place].pk, kind="DEFERRAL", asked={"installments": "6", "extend": "no"},
            reason="客户收入下降", evidence=("证明.pdf", b"%PDF-1.7 test"), by=bank.staff[who], at=AT,
        )  # fmt: skip
    return bank


def money_rows_of(bank: Bank, place: str) -> dict[str, int]:
    refund = Refund.objects.get(loan=bank.loans[place])
    out = MoneyFile.objects.get(kind="DEBITS_OUT")
    fee = Fee.objects.filter(loan=bank.loans[place]).earliest("id")
    return {"money": out.pk, "break": ReceiptBreak.objects.earliest("id").pk, "refund": refund.pk, "fee": fee.pk}


@pytest.fixture
def reports(bank: Bank) -> dict[str, Any]:
    """One submitted report in each branch; the home one is not approved, so there is no PDF yet."""
    from followups.queries import form_of

    found = {}
    for place, who in (("home", "officer"), ("other", "stranger")):
        task = bank.tasks[place]
        visit = actions.start_visit(task_id=task.pk, by=bank.staff[who], at=AT)
        visit.task = task
        attached(bank, place, who)
        draft = clean_draft(form_of(task, visit)["sections"])
        if task.method == "FIELD":
            draft["second_visitor"] = bank.staff["colleague"].staff_no
        found[place] = actions.submit_visit(
            task_id=task.pk, version=visit.version, draft=draft, by=bank.staff[who], at=AT
        )
    return found


def address(name: str, bank: Bank, reports: dict[str, Any], place: str) -> str:
    if name in REPORT_PAGES:
        return reverse(name, args=[reports[place].pk if place in reports else 987654321])
    if name in ("followups:look_alike", "followups:photo_proof"):
        is_photo = name == "followups:photo_proof"
        return reverse(name, args=photo_hint_in(bank, reports, place) if is_photo else alike_in(reports, place))
    if name in OF_REPORTS:
        return reverse(name, args=[OF_REPORTS[name](bank, place, reports[place].pk) if place in reports else 987654321])
    if name == "followups:month_tasks":
        return reverse(name, args=["due"])
    if name in ("loans:disclosure", "loans:disclosure_pdf", "loans:disclosure_void"):
        return reverse(name, args=[disclosure_in(bank, place)])
    if name in MONEY_PAGES:
        found = money_rows_of(bank, place) if place in bank.loans else {}
        return reverse(name, args=[found.get(MONEY_PAGES[name], 987654321)])
    if name == "correspondence:message":
        return reverse(name, args=[message_row(bank, place) if place in bank.loans else 987654321])
    if name == "correspondence:wording":
        return reverse(name, args=[wording_row() if place in bank.loans else 987654321])
    if name == "followups:regulation":
        return reverse(name, args=[regulation_row() if place in bank.loans else 987654321])
    if name == "area":
        return reverse(name, args=[area_row() if place in bank.loans else 987654321])
    if name in SHARED_PAGES:
        newest: Any = SHARED_PAGES[name].objects.latest("pk")
        more = ["csv"] if name == "loans:repricing_notices" else []
        return reverse(name, args=[newest.pk if place in bank.loans else 987654321, *more])
    if name in ("loans:repricing_notice", "loans:repricing_notice_pdf"):
        items = RepricingItem.objects.filter(loan=bank.loans.get(place)) if place in bank.loans else None
        return reverse(name, args=[items.latest("pk").pk if items is not None else 987654321])
    if name == "loans:report_file":
        return reverse(name, args=["collections", "csv"])
    if name == "loans:wide_spreads_file":
        return reverse(name, args=["xlsx"])
    if name in ("loans:reverse_receipt", "loans:settle_receipt"):
        receipt = Receipt.objects.filter(loan=bank.loans.get(place)).first() if place in bank.loans else None
        return reverse(name, args=[receipt.pk if receipt else 987654321])
    if name.startswith("loans:change") and name not in ("loans:changes", "loans:changes_waiting", "loans:change_new"):
        change = ContractChange.objects.filter(loan=bank.loans.get(place)).first() if place in bank.loans else None
        return reverse(name, args=[change.pk if change else 987654321])
    if name.startswith("loan_") or name in LOAN_PAGES:
        return reverse(name, args=[bank.loans[place].pk if place in bank.loans else 987654321])
    if name in IN_BRANCH:
        return reverse(name, args=[IN_BRANCH[name](bank, place)])
    if name in ("followups:capacity_file", "followups:turn_around_file"):
        return reverse(name, args=["csv"])
    if name == "followups:visit_register_file":
        return reverse(name, args=["xlsx"])
    if name in ("followups:handover_list", "followups:handover_reverse"):
        return reverse(name, args=[handover_in(bank, place)])
    if name.startswith("followups:attachment") or name == "followups:thumbnail":
        return reverse(name, args=[attachment_in(bank, place)])
    if name in ("followups:loan_events", "followups:past_visits", "followups:estate", "followups:loan_signals",
                "followups:loan_registrable", "followups:customer_status", "followups:loan_letters",
                "followups:loan_events_file"):  # fmt: skip
        return reverse(name, args=[bank.loans[place].pk if place in bank.loans else 987654321])
    if name.startswith("followups:letter_"):
        return reverse(name, args=[letter_in(bank, place)])
    if name.startswith("followups:polic"):
        return policy_address(name, place)
    if name.startswith("followups:") and name not in WITHOUT_TASK:
        return reverse(name, args=[bank.tasks[place].pk if place in bank.tasks else 987654321])
    return reverse(name)


def policy_address(name: str, place: str) -> str:
    """Policies are the bank's: one is there for everybody who may see any."""
    if name == "followups:policies":
        return reverse(name)
    rows = policy_rows()
    pk = rows["policy"] if place != "missing" else 987654321
    return reverse(name, args=[pk] if name == "followups:policy" else [pk, rows["dryrun"]])


def ask(client: Client, name: str, path: str) -> Any:
    _roles, method, posted = TABLE[name]
    with transaction.atomic():
        response = getattr(client, method)(path, posted)
        transaction.set_rollback(True)
    return response


def client_of(bank: Bank, who: str) -> Client:
    client = Client()
    client.force_login(bank.staff[who], backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_every_page_has_a_row() -> None:
    assert set(page_names()) - NOT_PAGES == set(TABLE)


@pytest.mark.parametrize("who", sorted(EVERYONE))
def test_each_role_opens_its_pages_and_no_others(who: str, bank: Bank, reports: dict[str, Any]) -> None:
    client = client_of(bank, who)
    wrong = {}
    for name, (roles, _method, _posted) in TABLE.items():
        if roles is ANYONE:
            continue
        sees_home = who in WHOLE_BANK or bank.staff[who].branch_id == bank.home.pk
        status = ask(client, name, address(name, bank, reports, "home")).status_code
        has_object = address(name, bank, reports, "home") != address(name, bank, reports, "missing")
        if who not in roles:
            # The desk is the front door: who has none is shown to the own first page.
            allowed = {302, 403} if name == "followups:desk" else {403}
        elif (has_object and not sees_home) or name == "followups:report_pdf":
            allowed = {404}
        else:
            allowed = {200, 302, 409, 422}
        if status not in allowed:
            wrong[name] = status
    assert wrong == {}


@pytest.mark.parametrize("who", sorted(EVERYONE - WHOLE_BANK - {"administrator"}))
def test_another_branch_and_a_missing_object_are_the_same_bytes(who: str, bank: Bank, reports: dict[str, Any]) -> None:
    client = client_of(bank, who)
    foreign = "home" if who == "stranger" else "other"
    for name, (roles, _method, _posted) in TABLE.items():
        if roles is ANYONE or who not in roles:
            continue
        paths = [address(name, bank, reports, place) for place in (foreign, "missing")]
        if paths[0] == paths[1]:
            continue
        there, nowhere = (ask(client, name, path) for path in paths)
        assert (there.status_code, nowhere.status_code) == (404, 404), name
        assert there.content == nowhere.content, name
        assert set(there.headers) == set(nowhere.headers), name


def test_without_a_sign_in_every_page_leads_to_it(bank: Bank, reports: dict[str, Any]) -> None:
    for name, (roles, _method, _posted) in TABLE.items():
        if roles is ANYONE:
            continue
        response = ask(Client(), name, address(name, bank, reports, "home"))
        assert response.status_code == 302, name
        assert response.headers["Location"].startswith(reverse("people:sign_in")), name


def test_pages_with_personal_data_are_not_kept_by_the_browser(bank: Bank, reports: dict[str, Any]) -> None:
    client = client_of(bank, "manager")
    for name in ("followups:desk", "followups:task", "followups:review", "followups:report", "loans:list", "loan_page"):
        response = client.get(address(name, bank, reports, "home"))
        assert "no-store" in response.headers["Cache-Control"], name

"""Who may do what over the API: every route from the resolver × every role × own, foreign and missing objects.

A route or method without a row here fails. What lies in another branch and what does not exist are
answered with the same bytes (less the request's own id).
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.urls import URLPattern

from config.api_urls import routes
from correspondence.rules.wording import FIRST_TEXTS
from loans.actions.changes import propose_change
from loans.models import RepricingItem
from people.api.permissions import ANYONE
from people.api.views import ApiView
from tests.correspondence.rows import message_row, wording_row
from tests.factories import AT
from tests.web import contract_bodies, letter_rows, policy_rows, signal_rows
from tests.web.across_rows import across_in
from tests.web.api_bank import ROLES, TODAY, Api, Bank, clean_draft, make_bank, money_rows, pay, pricing_rows
from tests.web.assignment_rows import certificate_in, event_in, handover_in, leave_in
from tests.web.review_rows import correction_in, measure_in
from tests.web.visit_rows import attached, project_in, view_of

LOAN_ROLES = {"officer", "colleague", "manager", "stranger", "risk", "operations", "auditor"}
FOLLOW_UP_ROLES = LOAN_ROLES - {"operations"}
VISITORS = {"officer", "colleague", "stranger"}
REVIEWERS = {"manager", "risk"}
REPORTERS = {"manager", "risk", "auditor"}
PROPOSERS = VISITORS | {"manager", "operations"}
CHANGE: Any = {"kind": "DEFERRAL", "asked": {"installments": "6", "extend": "no"}}
EVERYONE = set(ROLES)
WHOLE_BANK = {"risk", "operations", "auditor"}
SHA = "0" * 64
LPR = {"tenor": "Y1", "published_on": "2026-10-20", "rate_percent": "3.00", "source": "2026年10月公告"}
HAND_OVER = {"officer": "nobody", "receivers": ["nobody"], "content_sha256": "0" * 64, "reason": "离职移交"}
CERTIFICATE = {"staff": "nobody", "first": "2026-11-02", "last": "2027-11-03"}
LEAVE = {"staff": "nobody", "first": "2026-11-02", "last": "2026-11-03", "reason": "年休假"}
DRAFT = {"version": 1, "draft": {"answers": {}}}

# (route, method) → (roles let in, body); None for roles means no sign-in is asked for.
TABLE: dict[tuple[str, str], tuple[set[str] | None, Any]] = {
    ("tokens", "POST"): (None, {"staff_no": "nobody", "password": "x"}),
    ("current-token", "DELETE"): (EVERYONE, None),
    ("business-date", "GET"): (LOAN_ROLES, None),
    ("loans", "GET"): (LOAN_ROLES, None),
    **contract_bodies.ROWS,
    ("loan", "GET"): (LOAN_ROLES, None),
    ("loan-installments", "GET"): (LOAN_ROLES, None),
    ("loan-schedule", "GET"): (LOAN_ROLES, None),
    ("loan-postings", "GET"): (LOAN_ROLES, None),
    ("loan-timeline", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-changes", "POST"): (PROPOSERS, {**CHANGE, "reason": "客户申请办理"}),
    ("loan-change-preview", "POST"): (PROPOSERS, CHANGE),
    ("changes", "GET"): (LOAN_ROLES, None),
    ("change", "GET"): (LOAN_ROLES, None),
    ("change-evidence", "GET"): (LOAN_ROLES, None),
    ("change-decide", "POST"): (REVIEWERS, {"version": 1, "approve": True}),
    ("change-sign", "POST"): (PROPOSERS, {"version": 2, "note": "柜面签署补充协议"}),
    ("change-apply", "POST"): (PROPOSERS, {}),
    ("change-withdraw", "POST"): (PROPOSERS, {"reason": "客户改变主意"}),
    ("change-reverse", "POST"): (REVIEWERS, {"reason": "客户误操作要求撤销"}),
    ("receipts", "GET"): (LOAN_ROLES, None),
    ("receipts", "POST"): (
        {"operations"},
        {"loan": "", "amount": "1.00", "value_on": TODAY.isoformat(), "channel": "CORE", "serial": "M1"},
    ),
    ("receipt-reverse", "POST"): ({"operations"}, {"reason": "渠道重复划款"}),
    ("receipt-match", "POST"): ({"operations"}, {"loan": "NOBODY", "note": "付款附言写错"}),
    ("receipt-return", "POST"): ({"operations"}, {"note": "原路退回付款行"}),
    ("money-file-debits", "GET"): ({"operations"}, None),
    ("returns", "GET"): ({"operations"}, None),
    ("return-decide", "POST"): ({"operations"}, {"approve": True}),
    ("debits", "POST"): ({"operations"}, {}),
    ("money-files", "GET"): ({"operations"}, None),
    ("money-files", "POST"): ({"operations"}, {"kind": "RECEIPTS", "name": "r.csv", "content": "x"}),
    ("money-file", "GET"): ({"operations"}, None),
    ("money-file-content", "GET"): ({"operations"}, None),
    ("breaks", "GET"): ({"operations"}, None),
    ("break-close", "POST"): ({"operations"}, {"note": "渠道已重发文件"}),
    ("refunds", "GET"): (LOAN_ROLES, None),
    ("refunds", "POST"): ({"operations"}, {"loan": "NOBODY", "amount": "1.00", "reason": "客户多还退回"}),
    ("refund", "GET"): (LOAN_ROLES, None),
    ("refund-decide", "POST"): ({"operations"}, {"approve": True}),
    ("book-aging", "GET"): (REPORTERS, None),
    ("book-general", "GET"): (REPORTERS, None),
    ("book-migration", "GET"): (REPORTERS, None),
    ("book-collections", "GET"): (REPORTERS, None),
    ("book-csv", "GET"): (REPORTERS, None),
    ("loan-owed", "GET"): (LOAN_ROLES, None),
    ("loan-allocation", "POST"): (LOAN_ROLES, {"amount": "1.00", "value_on": TODAY.isoformat()}),
    ("loan-fees", "GET"): (LOAN_ROLES, None),
    ("loan-fees", "POST"): ({"operations"}, {"code": "COPY", "amount": "1.00", "reason": "补打合同副本"}),
    ("fee-waive", "POST"): ({"operations"}, {"reason": "银行原因减免"}),
    ("simulation-schedule", "POST"): (
        LOAN_ROLES,
        {
            "principal": "1000.00",
            "annual_rate_percent": "3.60",
            "installments": 2,
            "method": "EQUAL_PRINCIPAL",
            "disbursed_on": "2026-01-20",
        },
    ),
    ("loan-pricing", "GET"): (LOAN_ROLES, None),
    ("lpr", "GET"): (LOAN_ROLES, None),
    ("lpr", "POST"): ({"operations"}, LPR),
    ("lpr-decide", "POST"): ({"risk"}, {"approve": True}),
    ("repricing-runs", "GET"): (WHOLE_BANK, None),
    ("repricing-runs", "POST"): ({"operations"}, {"from_on": "2027-01-01", "to_on": "2027-01-01"}),
    ("repricing-run", "GET"): (WHOLE_BANK, None),
    ("repricing-items", "GET"): (WHOLE_BANK, None),
    ("repricing-decide", "POST"): ({"risk"}, {"approve": True, "content_sha256": SHA}),
    ("repricing-cancel", "POST"): ({"operations"}, {"reason": "等待下月公布"}),
    ("notice", "GET"): (LOAN_ROLES, None),
    ("repricing-missed", "GET"): (LOAN_ROLES, None),
    ("repricing-make-up", "POST"): ({"operations"}, {"to_on": TODAY.isoformat(), "reason": "批次漏跑补做"}),
    ("spread-gaps", "GET"): (LOAN_ROLES, None),
    ("messages", "GET"): (REPORTERS | {"operations"}, None),
    ("message", "GET"): (REPORTERS | {"operations"}, None),
    ("message-cancel", "POST"): ({"manager", "operations"}, {"reason": "客户要求不再短信提醒"}),
    ("wordings", "GET"): (WHOLE_BANK, None),
    ("wordings", "POST"): (
        {"operations"},
        {"kind": "DUE", "text": FIRST_TEXTS["DUE"], "from_on": "2026-12-01", "reason": "沿用原文"},
    ),
    ("wording", "GET"): (WHOLE_BANK, None),
    ("wording-decide", "POST"): ({"risk"}, {"approve": True, "content_sha256": SHA}),
    ("wording-withdraw", "POST"): ({"operations"}, {"reason": "写错了日期"}),
    ("loan-contact", "GET"): (LOAN_ROLES, None),
    ("loan-contact", "POST"): (PROPOSERS, {"ground": "ASKED", "heard": "PHONE", "reason": "客户要求停发"}),
    ("loan-contact-resume", "POST"): (PROPOSERS, {"heard": "PHONE", "reason": "客户要求恢复"}),
    ("tasks", "GET"): (FOLLOW_UP_ROLES, None),
    ("task", "GET"): (FOLLOW_UP_ROLES, None),
    ("task-claim", "POST"): (VISITORS, {}),
    ("task-assign", "POST"): ({"manager"}, {"officer": "nobody", "reason": "均衡工作量"}),
    ("task-start", "POST"): (VISITORS, {}),
    ("task-opinion", "POST"): (VISITORS, {"version": 1, "conclusion": "NO_CONCERN"}),
    ("task-second", "POST"): (VISITORS | {"manager"}, {"second_visitor": "nobody"}),
    ("task-announce", "POST"): (VISITORS, {"on": "2026-11-20"}),
    ("task-close", "POST"): (VISITORS | {"manager"}, {"note": "已核对证据"}),
    ("task-form", "GET"): (VISITORS | {"manager"}, None),
    ("views", "GET"): (FOLLOW_UP_ROLES, None),
    ("views", "POST"): (FOLLOW_UP_ROLES, {"name": "红的", "query": "chip=urgent"}),
    ("view", "DELETE"): (FOLLOW_UP_ROLES, None),
    ("view-rename", "POST"): (FOLLOW_UP_ROLES, {"name": "急的"}),
    ("task-attempts", "GET"): (FOLLOW_UP_ROLES, None),
    ("task-attempts", "POST"): (VISITORS, {"outcome": "NO_ANSWER"}),
    ("task-lost", "POST"): (VISITORS, {"note": "多次联系不上"}),
    ("task-field", "POST"): (VISITORS, {"note": "多次联系不上"}),
    ("task-draft", "POST"): (VISITORS, DRAFT),
    ("task-preview", "POST"): (VISITORS, {}),
    ("task-submit", "POST"): (VISITORS, DRAFT),
    ("task-reschedule", "POST"): (VISITORS | {"manager"}, {"to": "2026-11-20", "reason": "客户出差"}),
    ("task-pause", "POST"): (VISITORS | {"manager"}, {"reason": "HOSPITAL", "until": "2026-11-05"}),
    ("task-resume", "POST"): (VISITORS | {"manager"}, {}),
    ("task-method", "POST"): (VISITORS | {"manager"}, {"method": "VIDEO", "note": "客户要求视频"}),
    ("task-result", "GET"): (FOLLOW_UP_ROLES, None),
    ("task-result", "POST"): (VISITORS | {"manager"}, {"channel": "PHONE", "words": "已说明审核结果"}),
    ("task-result-ask", "POST"): (VISITORS | {"manager"}, {}),
    ("task-result-undo", "POST"): (VISITORS | {"manager"}, {"reason": "登记错了任务"}),
    ("results", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-customer-status", "GET"): (LOAN_ROLES, None),
    ("customer-status", "POST"): (set(), {"id_no": "0", "loan_note_no": "0"}),
    ("task-files", "GET"): (FOLLOW_UP_ROLES, None),
    ("task-files", "POST"): (VISITORS, {}),
    ("file", "GET"): (FOLLOW_UP_ROLES, None),
    ("file-item", "POST"): (VISITORS, {"item": ""}),
    ("file", "DELETE"): (VISITORS, None),
    ("loan-property-visits", "POST"): (VISITORS | {"manager"}, {"reason": "外墙开裂需查看", "due_on": "2026-11-10"}),
    ("task-merge", "POST"): (VISITORS | {"manager"}, {"tasks": [1]}),
    ("task-unmerge", "POST"): (VISITORS | {"manager"}, {"reason": "客户要求分开"}),
    ("loan-events", "GET"): (FOLLOW_UP_ROLES, None),
    ("file-thumbnail", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-relations", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-relations", "POST"): (VISITORS | {"manager"}, {"kind": "SPOUSE", "id_no": "0"}),
    ("loan-relations-end", "POST"): (VISITORS | {"manager"}, {"relation": 1}),
    ("loan-estate", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-project-visits", "POST"): (
        VISITORS | {"manager"},
        {"loans": [1], "reason": "媒体报道停工", "due_on": "2026-11-10"},
    ),
    ("project", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-past-visits", "POST"): (FOLLOW_UP_ROLES, {"decision": "LOAN"}),
    ("report-references", "GET"): (FOLLOW_UP_ROLES, None),
    ("loan-events", "POST"): (
        VISITORS | {"manager", "risk"},
        {"code": "JOB_CHANGE", "happened_on": TODAY.isoformat(), "words": "客户来电告知"},
    ),
    ("event-withdraw", "POST"): ({"manager"}, {"reason": "录错客户"}),
    ("event-kinds", "GET"): (FOLLOW_UP_ROLES, None),
    ("event-feeds", "POST"): ({"operations", "risk"}, {"feed": "COURT", "name": "c.csv", "content": "x"}),
    **policy_rows.ROWS,
    **signal_rows.ROWS,
    **letter_rows.ROWS,
    ("task-reassign", "POST"): (VISITORS, {"reason": "与客户有亲属关系"}),
    ("task-reassign-decide", "POST"): ({"manager"}, {"approve": False, "note": "请继续办理"}),
    ("task-skip", "POST"): (VISITORS | {"manager"}, {"reason": "客户出国定居"}),
    ("task-skip-decide", "POST"): (REVIEWERS, {"approve": False, "note": "请继续联系", "content_sha256": SHA}),
    ("capacity", "GET"): (REPORTERS, None),
    ("turn-around", "GET"): (REPORTERS, None),
    ("visit-register", "GET"): (REPORTERS, None),
    ("visit-register-tasks", "GET"): (REPORTERS, None),
    ("turn-around-tasks", "GET"): (REPORTERS, None),
    ("digests", "GET"): (FOLLOW_UP_ROLES, None),
    ("notices", "GET"): (FOLLOW_UP_ROLES, None),
    ("notices", "POST"): (FOLLOW_UP_ROLES, {"up_to": 0}),
    ("day-plan", "GET"): (FOLLOW_UP_ROLES, None),
    ("hand-overs", "GET"): ({"manager"}, None),
    ("hand-overs", "POST"): ({"manager"}, HAND_OVER),
    ("hand-over-preview", "POST"): ({"manager"}, {"officer": "nobody", "receivers": ["nobody"]}),
    ("hand-over", "GET"): ({"manager"}, None),
    ("hand-over-reverse", "POST"): ({"manager"}, {"reason": "离职取消"}),
    ("certificates", "GET"): (FOLLOW_UP_ROLES, None),
    ("certificates", "POST"): ({"manager"}, CERTIFICATE),
    ("certificate-end", "POST"): ({"manager"}, {}),
    ("leaves", "GET"): (FOLLOW_UP_ROLES, None),
    ("leaves", "POST"): (VISITORS | {"manager"}, LEAVE),
    ("leave-end", "POST"): (VISITORS | {"manager"}, {}),
    ("visit", "GET"): (FOLLOW_UP_ROLES, None),
    ("reports", "GET"): (FOLLOW_UP_ROLES, None),
    ("report", "GET"): (FOLLOW_UP_ROLES, None),
    ("report-pdf", "GET"): (FOLLOW_UP_ROLES, None),
    ("report-approve", "POST"): (REVIEWERS, {"content_sha256": SHA}),
    ("report-return", "POST"): (
        REVIEWERS,
        {"content_sha256": SHA, "code": "OTHER", "reason": "请补充还款来源", "sections": ["income"]},
    ),
    ("report-correction", "POST"): (REVIEWERS, {"code": "OTHER", "words": "核对后发现有误"}),
    ("corrections", "GET"): (FOLLOW_UP_ROLES, None),
    ("correction-withdraw", "POST"): (REVIEWERS, {"words": "核对后无须更正"}),
    ("report-open", "POST"): (REVIEWERS, {}),
    ("reports-approve-clean", "POST"): (REVIEWERS, {"reports": [{"id": 987654321, "content_sha256": SHA}]}),
    ("review-figures", "GET"): (REVIEWERS, None),
    ("across", "GET"): ({"manager"}, None),
    ("across-detail", "GET"): ({"manager"}, None),
    ("across-together", "POST"): ({"manager"}, {"officer": "nobody"}),
    ("across-apart", "POST"): ({"manager"}, {"reason": "分别回访"}),
    ("measures", "GET"): (FOLLOW_UP_ROLES, None),
    ("measure-kinds", "GET"): (FOLLOW_UP_ROLES, None),
    ("measure-end", "POST"): (VISITORS | {"manager"}, {"is_done": True, "words": "已经落实"}),
    ("schema", "GET"): (None, None),
    ("docs", "GET"): (None, None),
}


def methods_of(route: URLPattern) -> Iterator[str]:
    view = route.callback.view_class  # type: ignore[attr-defined]
    for method in ("get", "post", "put", "patch", "delete", "options", "trace"):
        if hasattr(view, method) and method != "options":
            yield method.upper()


NAMED = [route for route in routes if route.name != "nothing"]


def test_every_route_and_method_has_a_row() -> None:
    assert {(route.name, method) for route in NAMED for method in methods_of(route)} == set(TABLE)


def test_every_view_declares_a_permission_and_no_other_view_can_be_made() -> None:
    for route in routes:
        view = route.callback.view_class  # type: ignore[attr-defined]
        open_to_all = {method for (name, method), row in TABLE.items() if name == route.name and row[0] is None}
        assert view.permission and (view.permission == ANYONE) == bool(open_to_all or route.name == "nothing")
    with pytest.raises(TypeError, match="declares no permission"):
        type("Careless", (ApiView,), {})


@pytest.fixture
def objects(db: None) -> tuple[Bank, dict[str, dict[str, int]]]:
    """A bank with a submitted report in each branch, and the ids by kind of object and place."""
    bank = make_bank()
    found: dict[str, dict[str, int]] = {
        "missing": dict.fromkeys(
            (
                "loan",
                "task",
                "visit",
                "report",
                "receipt",
                "change",
                "money",
                "break",
                "refund",
                "return",
                "disclosure",
                "fee",
                "message",
                "wording",
                "leave",
                *("event", "file"),
                "hand",
                "certificate",
                "measure",
                "across",
                "correction",
                "project",
                "signal",
                "signalaction",
                "letter",
                "view",
            ),
            999_999_999,
        )
    }
    for place, who in (("home", "officer"), ("other", "stranger")):
        api, path = bank.api(who), f"tasks/{bank.tasks[place].pk}"
        visit = api.post(f"{path}/start/").json()
        file = attached(bank, place, who)
        draft = clean_draft(visit["sections"])
        if visit["method"] == "FIELD":
            draft["second_visitor"] = bank.staff["colleague"].staff_no
            draft.pop("contact_outcome")
        report = api.post(f"{path}/submit/", {"version": visit["version"], "draft": draft}).json()
        task = bank.tasks[place].pk
        ids = {"loan": bank.loans[place].pk, "task": task, "visit": task, "report": report["id"]}
        found[place] = {**ids, "receipt": pay(bank.loans[place]), "change": proposed(bank, place, who)}
        found[place]["leave"] = leave_in(bank, place)
        found[place]["event"] = event_in(bank, place)
        found[place]["file"] = file
        found[place]["project"] = project_in(bank, place)
        found[place] |= {"signal": signal_rows.signal_in(bank, place), "across": across_in(bank, place)}
        found[place]["signalaction"] = signal_rows.signal_action_in(bank, place)
        found[place] |= {"hand": handover_in(bank, place), "certificate": certificate_in(bank, place)}
        found[place]["letter"] = letter_rows.letter_in(bank, place)
        found[place]["view"] = view_of(bank, who)
        found[place]["measure"] = measure_in(bank, place, report["id"])
        found[place]["correction"] = correction_in(bank, place, report["id"])
        found[place]["message"] = message_row(bank, place)
        found[place]["wording"] = wording_row()
        found[place] |= money_rows(bank, place) | contract_bodies.disclosure_row(bank, who)
    shared = pricing_rows(bank) | policy_rows.policy_rows()
    for place in ("home", "other"):
        found[place]["notice"] = RepricingItem.objects.get(loan=bank.loans[place]).pk
    found["missing"]["notice"] = 999_999_999
    for ids in found.values():
        ids.update(shared if ids is not found["missing"] else dict.fromkeys(shared, 999_999_999))
    return bank, found


def proposed(bank: Bank, place: str, who: str) -> int:
    """A change with its evidence."""
    return propose_change(
        loan_id=bank.loans[place].pk, kind=CHANGE["kind"], asked=CHANGE["asked"], reason="客户申请办理",
        evidence=("失业证明.pdf", b"%PDF-1.7 test"), by=bank.staff[who], at=AT,
    ).pk  # fmt: skip


def path_of(route: URLPattern, ids: dict[str, int]) -> str:
    kind = str(route.name).split("-")[0]
    return str(route.pattern).replace("<int:pk>", str(ids.get(kind, 0)))


def ask(api: Api, method: str, path: str, body: Any) -> Any:
    """One request whose effect is undone."""
    with transaction.atomic():
        if method == "GET":
            reply = api.get(path)
        elif method == "POST":
            reply = api.post(path, body, key="matrix")
        else:
            reply = api.send(method, path)
        transaction.set_rollback(True)
    return reply


def bytes_of(reply: Any) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers without the request's own id."""
    request_id = reply.headers.get("X-Request-ID", "")
    headers = {name: value for name, value in reply.headers.items() if name not in ("X-Request-ID", "Date")}
    return reply.status_code, reply.content.replace(request_id.encode(), b""), headers


def test_each_role_gets_exactly_what_the_table_says(objects: tuple[Bank, dict[str, dict[str, int]]]) -> None:
    bank, ids = objects
    cells, wrong = 0, []
    for route in NAMED:
        for method in methods_of(route):
            roles, body = TABLE[(str(route.name), method)]
            if route.name == "receipts" and method == "POST":
                body = {**body, "loan": bank.loans["home"].loan_note_no}
            for who in [*ROLES, "nobody"]:
                api = Api() if who == "nobody" else bank.api(who)
                place = "other" if who == "stranger" else "home"
                # A view of the desk is its owner's and nobody else's.
                own = {"view": view_of(bank, who)} if who != "nobody" else {}
                status = ask(api, method, path_of(route, {**ids[place], **own}), body).status_code
                if roles is None:
                    right = status not in (403, 404) and status < 500
                elif who == "nobody":
                    right = status == 401
                elif who not in roles:
                    right = status == 403
                else:
                    right = status not in (400, 401, 403, 404) and status < 500
                cells += 1
                if not right:
                    wrong.append(f"{method} {route.name} as {who}: {status}")
    assert wrong == [] and cells == len(TABLE) * (len(ROLES) + 1)


def test_another_branch_and_nothing_are_the_same_bytes(objects: tuple[Bank, dict[str, dict[str, int]]]) -> None:
    bank, ids = objects
    compared = 0
    for route in NAMED:
        if "<int:pk>" not in str(route.pattern):
            continue
        for method in methods_of(route):
            roles, body = TABLE[(str(route.name), method)]
            for who in (roles or set()) - WHOLE_BANK:
                foreign = "home" if who == "stranger" else "other"
                replies = [
                    bytes_of(ask(bank.api(who), method, path_of(route, ids[place]), body))
                    for place in (foreign, "missing")
                ]
                assert replies[0] == replies[1] and replies[0][0] == 404, (route.name, method, who, replies[0][:2])
                compared += 1
    assert compared > 50


def test_lists_filters_and_counts_know_nothing_of_another_branch(
    objects: tuple[Bank, dict[str, dict[str, int]]],
) -> None:
    bank, ids = objects
    officer, foreign = bank.api("officer"), bank.loans["other"]
    pairs = [
        ("loans/", "loan_note_no", foreign.loan_note_no),
        ("loans/", "q", foreign.loan_note_no),
        ("loans/", "branch", bank.other.code),
        ("loans/", "officer", bank.staff["stranger"].staff_no),
        ("tasks/", "loan_note_no", foreign.loan_note_no),
        ("tasks/", "loan", foreign.pk),
        ("tasks/", "officer", bank.staff["stranger"].staff_no),
        ("reports/", "task", ids["other"]["task"]),
        ("reports/", "submitted_by", bank.staff["stranger"].staff_no),
        ("receipts/", "loan", foreign.pk),
        ("changes/", "loan", foreign.pk),
    ]
    for path, name, value in pairs:
        nothing = 987_654_321 if isinstance(value, int) else "NOTHING1"
        foreign_reply = officer.get(path, **{name: value, "with_count": "1"})
        assert bytes_of(foreign_reply) == bytes_of(officer.get(path, **{name: nothing, "with_count": "1"}))
        assert foreign_reply.json()["results"] == [] and foreign_reply.json()["count"] == 0
    lists = ("loans/", "tasks/", "reports/", "receipts/", "changes/")
    everything = json.dumps([officer.get(path).json() for path in lists])
    assert foreign.loan_note_no not in everything and f'"{bank.other.code}"' not in everything


def test_a_receipt_for_another_branch_is_a_receipt_for_nothing(
    objects: tuple[Bank, dict[str, dict[str, int]]],
) -> None:
    from people.models import Role, Scope

    bank, _ids = objects
    Role.objects.filter(code="OPERATIONS").update(scope=Scope.BRANCH)
    bank.staff["operations"].branch = bank.home
    bank.staff["operations"].save(update_fields=["branch"])
    body = {"amount": "1.00", "value_on": TODAY.isoformat(), "channel": "CORE", "serial": "M1"}
    replies = [
        bytes_of(ask(bank.api("operations"), "POST", "receipts/", {**body, "loan": loan}))
        for loan in (bank.loans["other"].loan_note_no, "ML00000000000000000000")
    ]
    assert replies[0] == replies[1] and replies[0][0] == 422


def test_unknown_addresses_and_methods_are_answered_in_the_one_shape(db: None) -> None:
    bank = make_bank()
    for path in ("nothing/", "loans/x/", "loans/-1/", "loans/1", "", "loans/%00/", "loans/" + "9" * 5000 + "/"):
        reply = Api().get(path)
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found"), path
    for number in ("0", "9" * 30):
        assert bank.api("officer").get(f"loans/{number}/").status_code == 404
    for method in ("PUT", "PATCH", "OPTIONS", "TRACE", "DELETE"):
        reply = bank.api("officer").send(method, "loans/")
        assert (reply.status_code, reply.json()["error"]["code"]) == (405, "method_not_allowed"), method
        assert "GET" in reply["Allow"]

"""What happens to some borrowers of the demo, each told through the actions that a bank's people have."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from config.demo import book
from config.demo.book import clock, external_id
from config.demo.visits import ALIKE, Story, amend, approve, person, send_back, visit
from correspondence.actions import stop_contact
from followups.actions import close_as_lost, record_attempt
from followups.actions.events import FeedRow, record_event, take_feed
from followups.actions.reuse import open_past_visits
from followups.models import EventVisit, Level, TaskKind, TaskState, VisitTask
from journal.batch import run_pending
from loans.actions.changes import decide_change, propose_change, sign_change
from loans.models import ChangeKind, Loan
from people.models import FinancialProfile, Staff

RISK, MANAGER = "R0001", "M0101"


def loan_of(serial: int) -> Loan:
    return Loan.objects.select_related("portfolio_officer", "position").get(external_id=external_id(serial))


def officer_of(loan: Loan) -> Staff:
    assert loan.portfolio_officer is not None
    return loan.portfolio_officer


def told(serial: int, code: str, day: date, words: str, source: str = "STAFF") -> VisitTask:
    """The loan's officer enters an event; the visit that follows from it the same day."""
    loan = loan_of(serial)
    at = clock(day, 9)
    record_event(
        loan_id=loan.pk, code=code, happened_on=day - timedelta(days=1), words=words, source=source,
        by=officer_of(loan), at=at,
    )  # fmt: skip
    return answered(loan, day)


def fed(serials: Mapping[int, str], feed: str, code: str, day: date) -> list[VisitTask]:
    """A feed names these loans; the visits that follow the same day."""
    loans = [loan_of(serial) for serial in serials]
    rows = [
        FeedRow(line=line, values={}, external_id=f"{feed}-{day:%Y%m%d}-{line}", loan=loan.loan_note_no, code=code,
                happened_on=day, words=words)
        for line, (loan, words) in enumerate(zip(loans, serials.values(), strict=True), start=2)
    ]  # fmt: skip
    take_feed(feed=feed, rows=rows, by=person(RISK), at=clock(day, 8, 40), is_preview=False)
    return [answered(loan, day) for loan in loans]


def answered(loan: Loan, day: date) -> VisitTask:
    """The open visit that answers what was told of the loan."""
    run_pending(at=clock(day, 9, 5))
    made = EventVisit.objects.filter(event__loan=loan, task__closed_on__isnull=True).order_by("-id").first()
    assert made is not None, loan.external_id
    return fresh(made.task)


def fresh(task: VisitTask) -> VisitTask:
    return VisitTask.objects.select_related("assigned_to", "branch", "loan__portfolio_officer").get(pk=task.pk)


def first_talk(serial: int) -> VisitTask:
    found = VisitTask.objects.filter(loan=loan_of(serial), kind=TaskKind.FIRST, state=TaskState.PLANNED)
    task = found.exclude(method="OFF_SITE").order_by("due_on").first()
    assert task is not None, serial
    return fresh(task)


# ── Money ────────────────────────────────────────────────────────────────────────────────────────


def backflow(day: date) -> None:
    """The first talk finds that the money came back to the borrower on day 7."""
    story = Story(
        "AT_RISK", "放款后第7天，款项由收款人账户转回借款人名下，借款人称为中介退还的购房尾款，未能提供凭证。",
        {"fund_backflow": "YES", "fund_use_matches": "NO"}, measure="NOTICE",
    )  # fmt: skip
    approve(visit(first_talk(book.BACKFLOW), clock(day, 10), story), clock(day, 16))


def halved(day: date) -> None:
    """The borrower tells that income has halved and asks to defer; with other debts 61 % of it goes to loans."""
    task = told(book.HALVED, "INCOME_DOWN", day, "客户来电：公司减薪，收入约减半，希望延期还本", "BORROWER")
    known = FinancialProfile.objects.filter(party_id=task.loan.borrower_id).order_by("-id").first()
    assert known is not None and known.monthly_income is not None
    income = (known.monthly_income / 2).quantize(Decimal("1"))
    debts = (income * 61 / 100 - loan_of(book.HALVED).position.installment_amount).quantize(Decimal("1"))
    now = {
        "monthly_income": f"{income}.00", "other_monthly_debt": f"{debts}.00", "request": "DEFERRAL",
        "request_note": "申请先还利息六期", "change_cause": "公司减薪，奖金停发", "repayment_intention": "DIFFICULT",
    }  # fmt: skip
    text = "收入减半，总负债收入比升至61%，客户愿意还款，申请延期；已收工资流水，建议办理延期并缩短回访周期。"
    story = Story("WATCH", text, now, measure="PLAN", verified_by="PAYSLIP")
    approve(visit(task, clock(day, 14), story), clock(day, 17))


def deferral(day: date) -> None:
    """What was asked for is proposed; another person has not decided yet."""
    loan = loan_of(book.HALVED)
    propose_change(
        loan_id=loan.pk, kind=ChangeKind.DEFERRAL, asked={"installments": "6", "extend": "no"},
        reason="收入减半，申请六期只还利息", evidence=None, by=officer_of(loan), at=clock(day, 10),
    )  # fmt: skip


def paid_late(day: date, number: int) -> None:
    """A visit to the borrower who is late: the call after a week, the way there after a month."""
    found = VisitTask.objects.filter(
        loan=loan_of(book.PAID_LATE), kind=TaskKind.IRREGULAR, state=TaskState.PLANNED, is_light=False
    )
    for task in found:
        words = ("生意回款慢，答应月内补齐。", "已见到本人及订单合同，回款在途，承诺九月下旬一次还清。")[number]
        approve(visit(fresh(task), clock(day, 10), Story("WATCH", words, measure="COLLECT")), clock(day, 17))


def restructured(day: date) -> None:
    """Twelve months of interest only, decided by risk, signed and applied: observed from then on."""
    loan = loan_of(book.RESTRUCTURED)
    officer, risk, at = officer_of(loan), person(RISK), clock(day, 10)
    change = propose_change(
        loan_id=loan.pk, kind=ChangeKind.RESTRUCTURING, asked={"deferral": "12"},
        reason="个体经营停业整顿，预计一年后恢复", evidence=None, by=officer, at=at,
    )  # fmt: skip
    change = decide_change(
        change_id=change.pk, approve=True, note="同意重组，观察一年。", version=change.version, by=risk, at=at
    )
    sign_change(change_id=change.pk, note="借款人当面签署补充协议", version=change.version, by=officer, at=at)


def quoted(day: date) -> None:
    """A later application to extend: who decides reads the report of the summer, and that stays on record."""
    loan = loan_of(book.QUOTED)
    change = propose_change(
        loan_id=loan.pk, kind=ChangeKind.DEFERRAL, asked={"installments": "3", "extend": "no"},
        reason="换工作后试用期收入较低，申请三期只还利息", evidence=None, by=officer_of(loan), at=clock(day, 10),
    )  # fmt: skip
    open_past_visits(loan_id=loan.pk, decision="CHANGE", decision_id=change.pk, by=person(MANAGER), at=clock(day, 11))


def quoted_before(day: date) -> None:
    task = told(book.QUOTED, "JOB_CHANGE", day, "客户告知换了工作单位")
    story = Story("WATCH", "已换至同行业单位，试用期三个月，收入略降，按期还款。",
                  {"employer": "江城博雅教育科技有限公司", "change_cause": "换工作"}, measure="PROOF")  # fmt: skip
    approve(visit(task, clock(day, 15), story), clock(day, 18))


# ── People ───────────────────────────────────────────────────────────────────────────────────────


def lost(day: date, number: int) -> None:
    """Three attempts on three days at other hours; at the third a relative answers; then the visit ends as lost."""
    if number == 0:
        told(book.LOST, "JOB_CHANGE", day, "单位前台告知客户已离职")
    task = fresh(answered(loan_of(book.LOST), day))
    outcome, note, hour = (
        ("NO_ANSWER", "响铃未接", 10),
        ("SWITCHED_OFF", "关机", 15),
        ("WRONG_PERSON", "其姐接听，称本人外出务工联系不上，未透露贷款情况，请其转告回电", 19),
    )[number]
    officer = officer_of(task.loan)
    record_attempt(task_id=task.pk, outcome=outcome, note=note, by=officer, at=clock(day, hour, 5))
    if number == 2:
        note = "三天三个时段均未联系到本人，亲属亦称失联"
        close_as_lost(task_id=task.pk, note=note, by=officer, at=clock(day, 19, 30))


def stopped(day: date) -> None:
    """A complaint of too many calls: nothing is sent to the borrower until it is answered."""
    loan = loan_of(book.BAN)
    stop_contact(
        loan_id=loan.pk, ground="ASKED", heard="COUNTER", by=person(MANAGER), at=clock(day, 11),
        reason="客户到网点投诉提醒过于频繁，要求投诉处理期间停止短信联系",
    )  # fmt: skip


def sent_back(day: date) -> None:
    """A report without proof of income goes back; its second version shows what differs."""
    task = told(book.RETURNED, "JOB_CHANGE", day, "客户来电告知已换单位")
    story = Story("WATCH", "已换单位，收入口述无变化。", {"employer": "江城云图软件有限公司", "change_cause": "换工作"},
                  measure="PROOF", verified_by="ORAL")  # fmt: skip
    send_back(visit(task, clock(day, 10), story), clock(day, 17))


def amended(day: date) -> None:
    task = answered(loan_of(book.RETURNED), day)
    known = FinancialProfile.objects.filter(party_id=task.loan.borrower_id).order_by("-id").first()
    assert known is not None and known.monthly_income is not None
    less = f"{(known.monthly_income * 85 / 100).quantize(Decimal('1'))}.00"
    amend(task, clock(day, 11), {"monthly_income": less}, "已补三个月工资流水：新单位收入较前低15%，按期还款无忧。")


def alike(day: date) -> None:
    """Two reports of an officer whose words differ in a comma."""
    found = VisitTask.objects.filter(
        assigned_to__staff_no="A0301", state=TaskState.PLANNED, method="PHONE", kind=TaskKind.PERIODIC,
        opens_on__lte=day + timedelta(days=60),
    )  # fmt: skip
    for task, words in zip(found.order_by("due_on", "id"), ALIKE, strict=False):
        visit(fresh(task), clock(day, 15, task.pk % 50), Story("WATCH", words, measure="PROOF"))


def to_mend(day: date) -> None:
    """The tour's officer has a report back to mend."""
    task = told(book.RETURNED_TOUR, "JOB_CHANGE", day, "客户来电告知已换单位")
    story = Story("WATCH", "已换单位，收入口述无变化。", {"change_cause": "换工作"}, measure="PROOF")
    send_back(visit(task, clock(day, 14), story), clock(day, 17))


def clean_calls(day: date) -> None:
    """Three calls that found nothing: their reports can be approved together."""
    found = VisitTask.objects.filter(
        assigned_to__staff_no__in=("A0102", "A0103", "A0104"), state=TaskState.PLANNED, method="PHONE",
        kind=TaskKind.PERIODIC, level=Level.NONE, loan__position__overdue_since__isnull=True,
    )  # fmt: skip
    for task in found.order_by("due_on", "id")[:3]:
        visit(fresh(task), clock(day, 15, task.pk % 50), Story("NO_CONCERN", "资料与系统一致。"))


def orange(day: date) -> None:
    """A job is lost; the report of the way there waits for the manager."""
    task = told(book.ORANGE, "JOB_LOSS", day, "客户告知被公司裁员")
    now = {
        "change_cause": "公司裁员", "repayment_intention": "DIFFICULT", "request": "DEFERRAL",
        "request_note": "找到工作前先还利息",
    }  # fmt: skip
    text = "客户九月被裁员，补偿金可支付约五个月月供，正在求职；申请三期只还利息，建议同意并按月跟踪。"
    visit(task, clock(day, 13), Story("AT_RISK", text, now, measure="PLAN"))


def left_over(day: date) -> None:
    """What the tour's officer has not got round to."""
    told(book.LEFT, "NEW_DEBT", day, "客户称新办一笔装修分期")


def red_today(day: date) -> None:
    """The morning's court feed: a borrower of the tour's officer is listed as dishonest."""
    fed({book.RED_TODAY: "列入失信被执行人名单（示例）"}, "COURT", "DISHONEST", day)

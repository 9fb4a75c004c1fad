"""Where the demo's situations stand, looked up in the bank: nothing here is remembered from the loading."""

from collections.abc import Callable
from dataclasses import dataclass

from collateral.models import AreaRevaluation, Charge
from collateral.queries import charges_of
from config.demo import book, contracts
from config.demo.book import external_id
from config.demo.visits import ALIKE
from correspondence.models import ContactPreference
from followups.models import (
    HintCode,
    Outcome,
    ProjectVisit,
    ReportCorrection,
    ReportHint,
    ReportReference,
    VisitReport,
    VisitTask,
)
from followups.models.policy import FollowUpPolicy
from loans.models import ContractChange, Loan, Refund
from people.models import FinancialProfile


@dataclass(frozen=True)
class Found:
    """A situation as it stands: what it is, where to find it, and the facts that show it; empty facts: not there."""

    title: str
    loans: tuple[Loan, ...]
    facts: str


def situations() -> list[Found]:
    """Every situation of the demo, in the order of the tour."""
    return [look() for look in _LOOKS]


def _loan(serial: int) -> Loan | None:
    return _named(external_id(serial))


def _named(name: str) -> Loan | None:
    return Loan.objects.select_related("borrower", "position").filter(external_id=name).first()


def _of_loan(title: str, serial: int, facts: Callable[[Loan], str]) -> Callable[[], Found]:
    """A situation of one loan of the tapes."""

    def look() -> Found:
        loan = _loan(serial)
        return Found(title, (loan,) if loan else (), facts(loan) if loan else "")

    return look


def _reports(loan: Loan) -> list[VisitReport]:
    return list(VisitReport.objects.filter(visit__task__loan=loan).select_related("visit__task").order_by("id"))


def _first(loan: Loan) -> str:
    found = VisitTask.objects.filter(loan=loan, kind="FIRST", method="PHONE", closed_on__isnull=True).first()
    return f"{found.number} 首次回访，放款 {loan.disbursed_on}，应完成日 {found.due_on}" if found else ""


def _halved(loan: Loan) -> str:
    incomes = [
        f"{one.monthly_income:.0f}"
        for one in FinancialProfile.objects.filter(party_id=loan.borrower_id).order_by("id")
        if one.monthly_income is not None
    ]
    change = ContractChange.objects.filter(loan=loan, kind="DEFERRAL").first()
    return f"月收入 {' → '.join(incomes)}；延期申请待审批" if len(incomes) > 1 and change else ""


def _answered(key: str, words: str) -> Callable[[Loan], str]:
    """A report of the loan that answers a question so."""

    def facts(loan: Loan) -> str:
        for report in _reports(loan):
            answer = report.visit.draft.get("answers", {}).get(key, {})
            if answer.get("now") in ("YES", "LET"):
                return f"{report.visit.task.number} {words}，{report.submitted_on}"
        return ""

    return facts


def _ended(outcome: str, words: str) -> Callable[[Loan], str]:
    def facts(loan: Loan) -> str:
        task = VisitTask.objects.filter(loan=loan, outcome=outcome).first()
        return f"{task.number} {words}，{task.attempts.count()} 次联系，{task.closed_on}" if task else ""

    return facts


def _same_day(loan: Loan) -> str:
    report = VisitReport.objects.filter(visit__task__loan=loan, level=1, state="APPROVED").first()
    if report is None:
        return ""
    task = report.visit.task
    return f"{task.number} 红色，{task.created_on} 触发，{report.submitted_on} 出报告，经主管和风险部门审核"


def _banned(loan: Loan) -> str:
    found = ContactPreference.objects.filter(party_id=loan.borrower_id, ended_at__isnull=True).first()
    return f"{found.business_date} 起不发短信：{found.reason}" if found else ""


def _versions(loan: Loan) -> str:
    reports = [report for report in _reports(loan) if report.version > 1]
    return f"{reports[0].visit.task.number} 退回后第 {reports[0].version} 版" if reports else ""


def _correction(state: str, words: str) -> Callable[[Loan], str]:
    def facts(loan: Loan) -> str:
        found = ReportCorrection.objects.filter(visit__task__loan=loan, state=state).select_related("corrects").first()
        if found is None:
            return ""
        return f"{found.corrects.number} {found.opened_on} 发起更正（{found.get_code_display()}），{words}"

    return facts


def _paid(loan: Loan) -> str:
    rules = list(VisitTask.objects.filter(loan=loan, kind="IRREGULAR").order_by("id").values_list("rule", flat=True))
    return "逾期40天后还清：" + " → ".join(rules) if "OVERDUE_31" in rules and not loan.position.overdue_since else ""


def _observed(loan: Loan) -> str:
    change = ContractChange.objects.filter(loan=loan, kind="RESTRUCTURING", state="OBSERVED").first()
    return f"重组 {change.effective_on} 起观察，分类不优于{loan.position.get_five_class_display()}" if change else ""


def _quoted(loan: Loan) -> str:
    found = ReportReference.objects.filter(loan=loan, decision="CHANGE").select_related("report__visit__task").first()
    return f"{found.report.visit.task.number} 的报告在变更申请中被调阅，{found.business_date}" if found else ""


def _stalled() -> Found:
    project = ProjectVisit.objects.filter(estate__endswith=book.STALLED).select_related("lead__loan__borrower").first()
    shared = project.loans.filter(is_shared=True).count() if project else 0
    facts = f"{project.estate}：{project.lead.number} 一次走访，结果共享 {shared} 笔" if project and shared else ""
    return Found("停工楼盘，一次项目走访", (project.lead.loan,) if project else (), facts)


def _combination() -> Found:
    loans = tuple(loan for name in (contracts.FUND, contracts.BANK) if (loan := _named(name)))
    is_told = VisitTask.objects.filter(loan__in=loans, rule="EVENT", outcome=Outcome.APPROVED).first()
    return Found("组合贷与离婚", loans, f"{is_told.number} 婚姻变化，一套房两笔贷款" if is_told else "")


def _advance() -> Found:
    loan = _named(contracts.ADVANCE)
    charge: Charge | None = charges_of(loan.pk).first() if loan else None
    left = ""
    if charge is not None and charge.registrable_on is not None:
        left = f"可办理正式登记自 {charge.registrable_on} 起，90天中还剩 {90 - _days_since(charge)} 天"
    return Found("预告登记将失效", (loan,) if loan else (), left)


def _days_since(charge: Charge) -> int:
    assert charge.registrable_on is not None
    return (book.BUSINESS_DATE - charge.registrable_on).days


def _area() -> Found:
    area = AreaRevaluation.objects.filter(district=book.AREA, is_applied=True).first()
    facts = ""
    if area is not None:
        homes, crossed = area.counts["homes"], area.counts["past"]["90"]
        facts = f"{area.district} {area.change_percent}%：重估 {homes} 套，升破90% {crossed} 套"
    return Found("区域房价下跌", (), facts)


def _alike() -> Found:
    hint = ReportHint.objects.filter(
        code=HintCode.LOOK_ALIKE, report__visit__draft__conclusion_text__in=ALIKE
    ).select_related(
        "report__visit__task__loan__borrower", "other__visit__task__loan__borrower"
    ).order_by("-id").first()  # fmt: skip
    if hint is None or hint.other is None:
        return Found("两份雷同报告", (), "")
    one, two = hint.report.visit.task, hint.other.visit.task
    return Found("两份雷同报告", (one.loan, two.loan), f"{one.number} 与 {two.number}：{hint.data['percent']}%")


def _policies() -> Found:
    found = {policy.version: policy for policy in FollowUpPolicy.objects.order_by("version")}
    v2, v3 = found.get(2), found.get(3)
    facts = ""
    if v2 is not None and v3 is not None and v2.checker and v3.runs.filter(state="DONE").exists():
        facts = f"v2 自 {v2.in_force.lower} 生效（{v2.maker} 拟，{v2.checker} 批）；v3 草案已试算"
    return Found("策略 v2 与 v3 草案", (), facts)


def _decisions() -> Found:
    changes = ContractChange.objects.filter(state="PROPOSED").count()
    refunds = Refund.objects.filter(state="PROPOSED").count()
    areas = AreaRevaluation.objects.filter(decided_at__isnull=True).count()
    facts = f"变更 {changes}，退款 {refunds}，区域重估 {areas}" if changes and areas else ""
    return Found("等待第二人决定", (), facts)


_LOOKS: tuple[Callable[[], Found], ...] = (
    _of_loan("首次回访，第58天（四分钟导览）", book.FIRST_TOUR, _first),
    _of_loan("收入减半，总负债收入比61%，申请延期", book.HALVED, _halved),
    _of_loan("放款第7天资金回流", book.BACKFLOW, _answered("fund_backflow", "资金回流")),
    _stalled,
    _combination,
    _of_loan("三次联系未果，疑似失联，亲属接听", book.LOST, _ended("SUSPECTED_LOST", "疑似失联")),
    _of_loan("房屋查封，红色，当日报告", book.SEIZED, _same_day),
    _advance,
    _of_loan("投诉，停止联系", book.BAN, _banned),
    _area,
    _of_loan("退回的报告，第二版显示差异", book.RETURNED, _versions),
    _alike,
    _of_loan("逾期40天还清：轻事项、回访、办结", book.PAID_LATE, _paid),
    _of_loan("重组观察期", book.RESTRUCTURED, _observed),
    _of_loan("登记为自住，实为出租", book.TENANT, _answered("occupancy", "现由承租人居住")),
    _of_loan("审核通过后更正的报告，两版并存", book.CORRECTED, _correction("APPROVED", "第二版已通过")),
    _of_loan("审核通过的报告待更正", book.TO_CORRECT, _correction("OPEN", "待办理")),
    _of_loan("旧报告在新申请中引用", book.QUOTED, _quoted),
    _policies,
    _decisions,
)

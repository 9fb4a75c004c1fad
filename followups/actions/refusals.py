"""Why a step of a follow-up is refused. Each leaves everything as it was."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from journal.errors import ActionRefused


class TaskAlreadyEnded(ActionRefused):
    code = "task_already_ended"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("该任务已办结或已撤销。"))


class WrongState(ActionRefused):
    """The task is not at the point where this can be done."""

    code = "wrong_state"
    conflict = True


class AlreadySubmitted(WrongState):
    code = "already_submitted"

    def __init__(self) -> None:
        super().__init__(_("报告已提交，正在等待审核。"))


class AlreadyDecided(ActionRefused):
    code = "already_decided"
    conflict = True

    def __init__(self, who: str, when: datetime | None) -> None:
        at = f"{timezone.localtime(when):%m-%d %H:%M}" if when else ""
        super().__init__(_("该报告已由%(who)s于 %(at)s 审核。") % {"who": who, "at": at})
        self.who, self.when = who, when


class NotApprovedYet(ActionRefused):
    code = "not_approved_yet"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("报告审核通过后才有 PDF。"))


class StaleVersion(ActionRefused):
    """Somebody (perhaps the same person in another window) saved in between."""

    code = "stale_version"
    conflict = True

    def __init__(self, who: str, when: datetime, version: int) -> None:
        at = f"{timezone.localtime(when):%m-%d %H:%M}"
        super().__init__(_("内容已由%(who)s于 %(at)s 保存，本页不是最新版本。请刷新后再改。") % {"who": who, "at": at})
        self.who, self.when, self.version = who, when, version


class CorrectionRefused(ActionRefused):
    """The report cannot be corrected, or not now."""

    code = "correction_refused"
    conflict = True


class CorrectionEnded(TaskAlreadyEnded):
    """What is typed in a page that was open when the correction was withdrawn, handed in or approved."""

    def __init__(self) -> None:
        ActionRefused.__init__(self, _("该报告的更正已提交或已撤回，不能再修改。"))


class CorrectionNotYours(ActionRefused):
    code = "correction_not_yours"

    def __init__(self, who: str) -> None:
        super().__init__(_("该更正由%(who)s发起，只能由其撤回。") % {"who": who})


class StaleReport(ActionRefused):
    code = "stale_report"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("您看到的报告不是当前版本，请刷新后再审核。"))


class NotYours(ActionRefused):
    code = "not_yours"

    def __init__(self, who: str) -> None:
        super().__init__(_("该任务由%(who)s主办。") % {"who": who} if who else _("该任务尚未分派给您。"))
        self.who = who


class OwnReport(ActionRefused):
    code = "own_report"

    def __init__(self) -> None:
        super().__init__(_("不能审核本人提交、主办或协办的报告。"))


class AlreadyEndorsed(ActionRefused):
    """The manager has given the opinion; the risk head has to be somebody else."""

    code = "already_endorsed"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("您已签署主管意见，须由另一名风险负责人审核。"))


class ManagerFirst(ActionRefused):
    code = "manager_first"
    conflict = True

    def __init__(self) -> None:
        super().__init__(_("红色报告须先由主管签署意见，再由风险负责人审核。"))


class RiskHeadOnly(ActionRefused):
    code = "risk_head_only"

    def __init__(self) -> None:
        super().__init__(_("主管意见已签署，须由分行风险负责人审核。"))


class NotClean(ActionRefused):
    """Not all of these may be approved together; nothing was approved."""

    code = "not_clean"


class ApproverAlone(ActionRefused):
    code = "approver_alone"

    def __init__(self) -> None:
        super().__init__(_("该贷款由您审批，不能由您一人回访，须有协办人同行。"), field="second_visitor")


class MeasureWrong(ActionRefused):
    code = "measure_wrong"


class LightItem(ActionRefused):
    code = "light_item"

    def __init__(self) -> None:
        super().__init__(_("逾期跟踪事项无须回访，还清后自动办结。"))


class WrongOfficer(ActionRefused):
    code = "wrong_officer"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="officer")


class SecondVisitorWrong(ActionRefused):
    code = "second_visitor_wrong"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="second_visitor")


class NotSecondVisitor(ActionRefused):
    code = "not_second_visitor"

    def __init__(self) -> None:
        super().__init__(_("您不是本次回访的协办人。"))


class OpinionWrong(ActionRefused):
    code = "opinion_wrong"


class OpinionMissing(ActionRefused):
    """The second visitor has not signed, or signed other answers."""

    code = "opinion_missing"

    def __init__(self, name: str, *, is_stale: bool) -> None:
        super().__init__(
            _("协办人%(name)s签署之后回访内容有改动，须由协办人重新签署。") % {"name": name}
            if is_stale
            else _("须由协办人%(name)s用本人账号签署意见后才能提交。") % {"name": name},
            field="second_visitor",
        )
        self.is_stale = is_stale


class ReasonMissing(ActionRefused):
    code = "reason_missing"


class WrongDate(ActionRefused):
    code = "wrong_date"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="to")


class NotUnreachable(ActionRefused):
    """Too few attempts, or too much alike, to call a borrower lost."""

    code = "not_unreachable"

    def __init__(self, least: int) -> None:
        super().__init__(_("至少 %(least)s 次未接通，且日期和时段各不相同，才能认定疑似失联。") % {"least": least})


class WrongAttempt(ActionRefused):
    """What was said of an attempt does not hold together; `field` says where."""

    code = "wrong_attempt"


class FileRefused(ActionRefused):
    """A file that may not lie with a visit; the sentence says why."""

    code = "file_refused"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="file")


class QuestionNotAsked(ActionRefused):
    """A file may prove only what its visit asks; the code that was sent is not repeated."""

    code = "question_not_asked"

    def __init__(self) -> None:
        super().__init__(_("本次回访没有这个问题，附件不能归到它名下。请从本次回访的问题中选择。"), field="item")


class PauseWrong(ActionRefused):
    """The clock may not stand, or not so long, or not by this person's word."""

    code = "pause_wrong"


class MethodWrong(ActionRefused):
    code = "method_wrong"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="method")


class HeldElsewhere(ActionRefused):
    """Another window writes on the visit."""

    code = "held_elsewhere"
    conflict = True

    def __init__(self, who: str, since: datetime) -> None:
        at = f"{timezone.localtime(since):%H:%M}"
        super().__init__(_("%(who)s %(at)s 起在另一窗口填写，本页只读。") % {"who": who, "at": at})
        self.who, self.since = who, since


class DraftTooLarge(ActionRefused):
    code = "draft_too_large"

    def __init__(self) -> None:
        super().__init__(_("内容过大，未能保存。"), field="draft")


class MissingAnswers(ActionRefused):
    """`fields` are the keys of what is missing, in the form's order; `labels` their names."""

    code = "missing_answers"

    def __init__(self, fields: Sequence[str], labels: Sequence[str]) -> None:
        super().__init__(
            _("还缺 %(count)s 项：%(names)s") % {"count": len(fields), "names": _("、").join(labels)},
            field=fields[0],
        )
        self.fields, self.labels = list(fields), list(labels)


class InvalidAnswers(ActionRefused):
    """`faults` is {key: [codes]}, `sentences` {key: sentence}."""

    code = "invalid_answers"

    def __init__(self, faults: Mapping[str, Sequence[str]], labels: Mapping[str, str]) -> None:
        self.faults = {key: list(codes) for key, codes in faults.items()}
        self.sentences = {
            key: f"{labels.get(key, key)}：{fault_sentence(codes[0])}" for key, codes in self.faults.items()
        }
        super().__init__("；".join(self.sentences.values()), field=next(iter(self.faults)))


def fault_sentence(code: str) -> str:
    """What is wrong with an answer, in words."""
    return {
        "not_corrected": _("属于回访当时的事实，不在更正之列"),
        "too_long": _("文字过长"),
        "forbidden_character": _("含有不可见或控制字符"),
        "picture": _("不能使用表情符号，报告无法打印"),
        "answer_is_a_concern": _("有查封或纠纷、资金回流、无还款意愿，或未核对本人身份时，不能选未见异常"),
        "not_an_amount": _("请填写金额，如 9800.00"),
        "not_a_choice": _("请从选项中选择"),
        "not_a_date": _("请填写有效日期，如 2026-10-30"),
        "not_a_phone": _("电话号码有误"),
        "not_a_method": _("请从核实方式中选择"),
        "empty": _("请填写内容"),
        "now_missing": _("有变化时须填写现值"),
        "verified_by_missing": _("有变化时须填写核实方式"),
        "not_changed": _("现值与原值相同"),
        "baseline_missing": _("基线缺失，请登记现值"),
        "nothing_to_compare": _("请直接作答"),
        "system_fact": _("系统事实不可修改"),
        "not_asked": _("本次回访不含此项"),
        "not_reached": _("未接通本人，请改约"),
        "refusal_is_a_concern": _("客户拒绝回访时不能选未见异常"),
        "unknown_field": _("未知字段"),
        "not_a_text": _("应为文字"),
        "not_an_object": _("格式有误"),
        "not_a_list": _("格式有误"),
        "measure_too_many": _("处置措施最多 5 项"),
        "measure_unknown": _("请从措施目录中选择，且须与结论相符"),
        "measure_twice": _("同一措施只列一次"),
        "measure_owner": _("请选择本机构在岗的负责人"),
        "measure_day": _("完成日须为今天起一年内的日期"),
        "measure_words": _("说明过长或含有不可见字符"),
    }.get(code, code)


class MergedElsewhere(ActionRefused):
    """What another visit does along is done there; taken apart it is a task of its own again."""

    code = "merged_elsewhere"
    conflict = True

    def __init__(self, number: str) -> None:
        words = _("该任务由其他机构的回访一并办理，请先拆开。")
        if number:
            words = _("该任务已并入 %(number)s 一并回访，请在那里办理，或先拆开。") % {"number": number}
        super().__init__(words)

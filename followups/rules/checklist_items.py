"""The questions of the default checklist, as data (sections ① to ⑭), and which of them are about the home.

Versioned: what is changed here is installed as the next version (`DEFAULT_VERSION`); visits begun keep theirs.
Version 6 added what a short call need not ask: `asked_by` names the methods that ask it unasked, by any other of its
`methods` it stands behind 更多; and what follows from another answer (`follows`), which is asked only then.
"""

from collections.abc import Sequence
from typing import Any, Final

DEFAULT_VERSION: Final = 6

SECTIONS: Final[tuple[tuple[str, str, str], ...]] = (
    ("identity", "身份与联系", "Identity and contact"),
    ("fund_use", "资金用途", "Use of funds"),
    ("occupancy", "居住状况", "Occupancy"),
    ("employment", "就业", "Employment"),
    ("income", "收入与支出", "Income and expense"),
    ("debts", "负债", "Debts"),
    ("repayment", "还款情况", "Repayment"),
    ("collateral", "押品", "Collateral"),
    ("registration", "抵押登记", "Registration"),
    ("guarantor", "保证人与开发商", "Guarantor and developer"),
    ("needs", "诉求与态度", "Needs and attitude"),
    ("education", "金融知识告知", "Education given"),
    ("findings", "差异与核实", "Differences and verification"),
    ("conclusion", "风险结论", "Risk conclusion"),
)

# What a policy line may have a visit ask beside the usual: its items carry these codes in `lists`, and are then asked
# by every kind of visit and have to be answered.
CAPACITY, OFF_PLAN = "CAPACITY", "OFF_PLAN"
CHECKLISTS: Final[tuple[tuple[str, str, str], ...]] = (
    (CAPACITY, "偿债能力加查", "Repayment capacity in full"),
    (OFF_PLAN, "未交付房屋加查", "Home not handed over"),
)
CHECKLIST_CODES: Final = tuple(code for code, _zh, _en in CHECKLISTS)

_ALL_KINDS: Final = ("FIRST", "PERIODIC", "IRREGULAR")
_TALKS: Final = ("PHONE", "FIELD", "VIDEO", "COUNTER")
# Where papers are seen, and where there is time for more than what a call asks.
_SEEN, _MET = ("FIELD", "VIDEO", "COUNTER"), ("FIELD", "COUNTER")
# Whatever brings the borrower's own answers.
_ANSWERED: Final = ("SELF_SERVICE", *_TALKS)
_EVERY: Final = ("OFF_SITE", *_ANSWERED)
# What a visit to the home alone asks (S2.3): nothing of the borrower's means, no telephone.
PROPERTY_SECTIONS: Final = ("occupancy", "collateral", "registration")
# What a visit to a whole development asks (楼盘): nothing of any one borrower.
PROJECT_KEYS: Final = (
    "trigger_facts", "project_state", "project_progress", "expected_delivery", "workers_on_site", "developer_bankrupt",
    "developer_word", "project_measure",
)  # fmt: skip
# Answers to "who" that name nobody.
NOBODY: Final = ("无", "没有", "暂无", "不详", "未知")
PROPERTY_KEYS: Final = ("person_met", "seen_at", "video_recording", "trigger_facts", "measure_proposed")


def _item(
    key: str,
    section: str,
    zh: str,
    en: str,
    *,
    type: str = "text",
    kinds: Sequence[str] = _ALL_KINDS,
    methods: Sequence[str] = _ANSWERED,
    required: bool = False,
    before: str = "",
    choices: Sequence[tuple[str, str, str]] = (),
    **more: Any,
) -> dict[str, Any]:
    return {
        "key": key,
        "section": section,
        "label": {"zh": zh, "en": en},
        "type": type,
        "choices": [{"value": value, "zh": label, "en": english} for value, label, english in choices],
        "kinds": list(kinds),
        "methods": list(methods),
        "required": required,
        "before": before,
        **more,
    }


def _after(item: str, *values: str, zh: str, en: str, due_by: Sequence[str] = _SEEN) -> dict[str, Any]:
    """Asked once `item` has changed, or is one of `values`; has to be answered by these methods once somebody said so.

    The words say on paper when it is to be filled in.
    """
    return {"item": item, "values": list(values), "due_by": list(due_by), "when": {"zh": zh, "en": en}}


_YES_NO = (("YES", "是", "Yes"), ("NO", "否", "No"))
_NO_YES = tuple(reversed(_YES_NO))
_OCCUPANCY = (
    ("OWNER", "自住", "Owner occupied"),
    ("RELATIVES", "亲属居住", "Relatives"),
    ("LET", "出租", "Let"),
    ("VACANT", "空置", "Vacant"),
    ("NOT_OWNER", "非自住", "Not owner occupied"),
    ("NOT_DELIVERED", "未交付", "Not delivered"),
)
_REGISTRATION = (
    ("FORMAL", "正式抵押", "Formal mortgage"),
    ("ADVANCE_NOTICE", "预告登记", "Advance notice"),
    ("NOT_RECORDED", "未登记", "Not registered"),
)
_CONDITION = (
    ("GOOD", "完好", "Good"),
    ("DAMAGED", "有损坏", "Damaged"),
    ("ALTERED", "有改建", "Altered"),
    ("UNKNOWN", "未见到", "Not seen"),
)
_INTENTION = (
    ("NORMAL", "按期还款", "Pays as agreed"),
    ("DIFFICULT", "有困难，愿还", "In difficulty, willing"),
    ("UNWILLING", "无还款意愿", "Unwilling"),
)
_REQUESTS = (
    ("NONE", "无", "None"),
    ("DEFERRAL", "延期", "Deferral"),
    ("METHOD", "改还款方式", "Another repayment method"),
    ("DUE_DAY", "改还款日", "Another due day"),
    ("PREPAYMENT", "提前还款", "Prepayment"),
    ("COMPLAINT", "投诉", "Complaint"),
    ("OTHER", "其他", "Other"),
)
_ATTITUDE = (
    ("COOPERATIVE", "配合", "Cooperative"),
    ("RELUCTANT", "勉强", "Reluctant"),
    ("HOSTILE", "抵触", "Hostile"),
)
_PERSON_MET = (
    ("BORROWER", "借款人本人", "The borrower"),
    ("FAMILY", "家属", "Family"),
    ("TENANT", "承租人", "Tenant"),
    ("NOBODY", "无人应门", "Nobody in"),
    ("NOT_LET_IN", "未能入户", "Not let in"),
)
_SEEN_AT = (
    ("HOME", "抵押房屋内", "In the mortgaged home"),
    ("WORK", "工作地点", "At work"),
    ("ELSEWHERE", "其他地点", "Elsewhere"),
)
_MET_AT = (
    ("OWN_BRANCH", "管户网点", "Own branch"),
    ("OTHER_BRANCH", "其他网点", "Another branch"),
    ("OUTREACH", "外出服务点", "Service point outside"),
)
_SENT_BY = (
    ("COUNTER", "网点交回", "Handed in at a branch"),
    ("POST", "邮寄", "By post"),
    ("EMAIL", "电子邮件", "By email"),
    ("MESSAGE", "短信或即时消息", "By message"),
    ("MOBILE", "手机银行", "By mobile bank"),
)
_CHANGE_PROOFS = (
    ("CONTRACT", "新劳动合同或任职文件", "New contract or appointment"),
    ("LEAVING", "离职或解除证明", "Certificate of leaving"),
    ("INCOME_PROOF", "收入证明", "Proof of income"),
    ("PAYROLL", "工资流水", "Payroll record"),
    ("SOCIAL_SECURITY", "社保或公积金记录", "Social security or fund record"),
    ("TAX", "个税记录", "Tax record"),
    ("NONE", "未提供", "None given"),
)
_USES = (
    ("RESIDENTIAL", "居住", "Residential"),
    ("BUSINESS", "经营或办公", "Business"),
    ("SHARED", "隔断群租", "Partitioned and shared"),
    ("OTHER", "其他", "Other"),
)
_RANKS = (
    ("FIRST", "第一顺位", "First"),
    ("SECOND", "第二顺位", "Second"),
    ("LATER", "第三顺位及以后", "Third or later"),
)
_STANDINGS = (
    ("ABLE", "有能力并愿意", "Able and willing"),
    ("WEAKENED", "能力下降", "Less able"),
    ("UNWILLING", "不愿继续担保", "Unwilling"),
    ("NOT_REACHED", "未联系上", "Not reached"),
)
_SATISFACTION = (
    ("SATISFIED", "满意或无意见", "Satisfied"),
    ("DISSATISFIED", "不满意", "Dissatisfied"),
)
_PROJECT_STATES = (
    ("NORMAL", "正常在建", "Being built"),
    ("SLOW", "进度缓慢", "Slow"),
    ("STALLED", "停工", "Stalled"),
    ("ABANDONED", "烂尾", "Abandoned"),
    ("COMPLETED", "已竣工", "Completed"),
    ("DELIVERED", "已交付", "Delivered"),
)
_FIRST, _PERIODIC, _IRREGULAR = ("FIRST",), ("PERIODIC",), ("IRREGULAR",)
_MEANS = ("PERIODIC", "IRREGULAR")
_HOME = ("FIRST", "PERIODIC")
_ONCE_CHANGED = {"zh": "有变化时", "en": "Once changed"}
_ONCE_LET = {"zh": "出租时", "en": "Where let"}

DEFAULT_ITEMS: Final[tuple[dict[str, Any], ...]] = (
    # ① identity and contact
    _item("identity_checked", "identity", "已核对本人身份", "Identity checked", type="yesno", choices=_YES_NO,
          required=True, normal="YES"),
    _item("phone", "identity", "联系电话", "Phone", required=True, before="phone", max=20, format="phone"),
    _item("address", "identity", "联系地址", "Address", before="address", max=200),
    _item("marital_change", "identity", "婚姻变化", "Marital change", type="yesno", choices=_YES_NO, normal="NO"),
    _item("id_valid", "identity", "身份证件在有效期内", "Identity document valid", type="yesno", choices=_YES_NO,
          methods=_TALKS, asked_by=_SEEN, required=True, normal="YES"),
    _item("emergency_contact", "identity", "紧急联系人", "Emergency contact", methods=_TALKS, asked_by=_MET,
          before="emergency_contact", max=80),
    _item("emergency_phone", "identity", "紧急联系人电话", "Emergency contact's phone", methods=_TALKS, asked_by=_MET,
          before="emergency_phone", max=20, format="phone"),
    # ② fund use
    _item("fund_arrived", "fund_use", "资金已到收款人账户", "Money arrived at the payee", type="yesno", choices=_YES_NO,
          kinds=_FIRST, methods=_EVERY, required=True, normal="YES"),
    _item("fund_use_matches", "fund_use", "用途与合同一致", "Use matches the contract", type="yesno", choices=_YES_NO,
          kinds=_FIRST, required=True, normal="YES"),
    _item("fund_backflow", "fund_use", "资金回流", "Fund backflow", type="yesno", choices=_YES_NO, kinds=_FIRST,
          required=True, normal="NO"),
    _item("down_payment_own", "fund_use", "首付款为自有资金", "Down payment from own money", type="yesno",
          choices=_YES_NO, kinds=_FIRST, normal="YES"),
    _item("payee_is_seller", "fund_use", "收款人为开发商或售房人", "Payee is developer or seller", type="yesno",
          choices=_YES_NO, kinds=_FIRST, methods=_TALKS, asked_by=_MET, required=True, normal="YES"),
    _item("amount_matches", "fund_use", "到账金额与放款金额一致", "Amount arrived is that paid out", type="yesno",
          choices=_YES_NO, kinds=_FIRST, methods=_TALKS, asked_by=_MET, required=True, normal="YES"),
    # ③ occupancy
    _item("occupancy", "occupancy", "居住状态", "Occupancy", type="choice", choices=_OCCUPANCY,
          kinds=("FIRST", "PERIODIC"), required=True, before="occupancy"),
    _item("delivered_on", "occupancy", "交付日期", "Delivered on", type="date", kinds=_FIRST, before="delivered_on"),
    _item("quality_dispute", "occupancy", "房屋质量纠纷", "Quality dispute", type="yesno", choices=_YES_NO,
          kinds=_FIRST, normal="NO", lists=(OFF_PLAN,)),
    # ④ employment
    _item("employer", "employment", "工作单位", "Employer", kinds=_MEANS, required=True, before="employer", max=120,
          lists=(CAPACITY,)),
    _item("post", "employment", "岗位与年限", "Post and years", kinds=_MEANS, before="post", max=120,
          lists=(CAPACITY,)),
    _item("work_changed_on", "employment", "工作变动日期", "Work changed on", type="date", kinds=_MEANS,
          follows=_after("employer", **_ONCE_CHANGED)),
    _item("work_change_proof", "employment", "工作变动证明", "Proof of the change of work", type="choice",
          choices=_CHANGE_PROOFS, kinds=_MEANS, follows=_after("employer", **_ONCE_CHANGED)),
    # ⑤ income and expense
    _item("monthly_income", "income", "税后月收入", "Monthly income after tax", type="money", kinds=_MEANS,
          required=True, before="monthly_income", lists=(CAPACITY,)),
    _item("income_changed_on", "income", "收入变动日期", "Income changed on", type="date", kinds=_MEANS,
          follows=_after("monthly_income", **_ONCE_CHANGED)),
    _item("income_change_proof", "income", "收入变动证明", "Proof of the change of income", type="choice",
          choices=_CHANGE_PROOFS, kinds=_MEANS, follows=_after("monthly_income", **_ONCE_CHANGED)),
    _item("spouse_income", "income", "配偶月收入", "Spouse's monthly income", type="money", kinds=_MEANS,
          before="spouse_income"),
    _item("property_fee", "income", "每月物业费", "Monthly property fee", type="money", kinds=_MEANS,
          before="property_fee"),
    # ⑥ debts
    _item("other_monthly_debt", "debts", "其他贷款月还款", "Other monthly debt service", type="money", kinds=_MEANS,
          required=True, before="other_monthly_debt", lists=(CAPACITY,)),
    _item("guarantees_given", "debts", "对外担保", "Guarantees given", kinds=_MEANS, before="guarantees_given",
          lists=(CAPACITY,)),
    _item("new_debts", "debts", "新增贷款或信用卡分期", "New loans or card installments", type="yesno",
          choices=_NO_YES, kinds=_MEANS, methods=_TALKS, asked_by=_SEEN, required=True, normal="NO",
          lists=(CAPACITY,)),
    _item("bureau_summary", "debts", "征信摘要（已授权）", "Bureau summary (authorized)", kinds=_MEANS, methods=_TALKS,
          asked_by=_MET, before="bureau_summary", max=200, lists=(CAPACITY,)),
    # ⑦ repayment
    _item("payment_strip", "repayment", "近 12 期还款", "Last 12 installments", type="system", methods=_EVERY,
          before="payment_strip"),
    _item("five_class", "repayment", "当前分类", "Class", type="system", methods=_EVERY, before="five_class"),
    _item("repayment_intention", "repayment", "还款意愿", "Repayment intention", type="choice", choices=_INTENTION,
          required=True, normal="NORMAL"),
    _item("repayment_plan", "repayment", "还款安排", "Plan of repayment", follows=_after(
          "repayment_intention", "DIFFICULT", "UNWILLING", zh="有困难或无还款意愿时", en="In difficulty or unwilling",
          due_by=())),
    # ⑧ collateral
    _item("property_value", "collateral", "房产价值", "Property value", type="system", methods=_EVERY,
          kinds=("FIRST", "PERIODIC"), before="property_value"),
    _item("property_condition", "collateral", "房屋状况", "Condition", type="choice", choices=_CONDITION,
          kinds=_PERIODIC, required=True, normal="GOOD"),
    _item("property_use", "collateral", "房屋用途", "Use of the home", type="choice", choices=_USES, kinds=_PERIODIC,
          methods=_TALKS, asked_by=("FIELD",), required=True, normal="RESIDENTIAL"),
    _item("tenant", "collateral", "承租人", "Tenant", kinds=_HOME, before="tenant", max=120,
          follows=_after("occupancy", "LET", **_ONCE_LET)),
    _item("monthly_rent", "collateral", "月租金", "Monthly rent", type="money", kinds=_HOME, before="monthly_rent",
          follows=_after("occupancy", "LET", **_ONCE_LET)),
    _item("let_until", "collateral", "租期截止日", "Let until", type="date", kinds=_HOME, before="let_until",
          follows=_after("occupancy", "LET", **_ONCE_LET)),
    _item("comparable_price", "collateral", "同小区近期成交单价（元/平方米）", "Recent price nearby (CNY/sqm)",
          type="money", kinds=_PERIODIC, methods=_TALKS, asked_by=("FIELD",), before="comparable_price"),
    _item("comparable_note", "collateral", "可比案例及来源", "Comparables and their source", kinds=_PERIODIC,
          methods=_TALKS, asked_by=("FIELD",), max=200),
    _item("insurance_until", "collateral", "保险到期日", "Insured until", type="date", kinds=_PERIODIC,
          before="insurance_until"),
    # ⑨ registration
    _item("registration_kind", "registration", "登记状态", "Registration", type="choice", choices=_REGISTRATION,
          kinds=("FIRST", "PERIODIC"), required=True, before="registration_kind"),
    _item("registration_no", "registration", "不动产登记证明号", "Registration number", kinds=("FIRST", "PERIODIC"),
          before="registration_no", max=80),
    _item("registered_on", "registration", "登记日期", "Registered on", type="date", kinds=_HOME, methods=_TALKS,
          asked_by=_MET, before="registered_on"),
    _item("mortgage_rank", "registration", "抵押顺位", "Rank of the mortgage", type="choice", choices=_RANKS,
          kinds=_HOME, methods=_TALKS, asked_by=_MET, before="mortgage_rank"),
    _item("title_delivered", "registration", "不动产权证书已办妥交付", "Title certificate delivered", type="yesno",
          choices=_YES_NO, kinds=_HOME, methods=_TALKS, asked_by=_MET, before="title_delivered"),
    _item("seizure", "registration", "查封或纠纷", "Seizure or dispute", type="yesno", choices=_YES_NO,
          kinds=("FIRST", "PERIODIC"), normal="NO"),
    # ⑩ guarantor and developer
    _item("project_progress", "guarantor", "项目进度", "Progress of the development", kinds=_FIRST, max=200,
          before="project_progress", lists=(OFF_PLAN,)),
    _item("guarantor", "guarantor", "保证人", "Guarantor", kinds=_MEANS, methods=_TALKS, asked_by=_SEEN,
          before="guarantor", max=80),
    _item("guarantor_standing", "guarantor", "保证人能力与意愿", "Guarantor's means and will", type="choice",
          choices=_STANDINGS, kinds=_MEANS, methods=_TALKS, asked_by=_SEEN, normal="ABLE"),
    _item("project_state", "guarantor", "楼盘状态", "State of the development", type="choice", choices=_PROJECT_STATES,
          kinds=(), required=True, before="project_state"),
    _item("expected_delivery", "guarantor", "预计交付日", "Delivery expected", type="date", kinds=(),
          before="expected_delivery", lists=(OFF_PLAN,)),
    _item("workers_on_site", "guarantor", "现场有人施工", "Work going on", type="yesno", choices=_YES_NO, kinds=(),
          methods=("FIELD", "VIDEO"), required=True, normal="YES"),
    _item("developer_bankrupt", "guarantor", "开发商已进入破产程序", "Developer in insolvency", type="yesno",
          choices=_YES_NO, kinds=(), required=True, normal="NO"),
    _item("developer_word", "guarantor", "开发商说法", "What the developer says", kinds=()),
    _item("project_measure", "guarantor", "建议措施", "Measure proposed", kinds=()),
    # ⑪ needs and attitude
    _item("request", "needs", "客户诉求", "Borrower's request", type="choice", choices=_REQUESTS, kinds=_IRREGULAR,
          required=True, normal="NONE"),
    _item("request_note", "needs", "诉求说明", "Request in words", kinds=_ALL_KINDS),
    _item("attitude", "needs", "配合程度", "Cooperation", type="choice", choices=_ATTITUDE, kinds=_IRREGULAR,
          required=True, normal="COOPERATIVE"),
    _item("difficulty", "needs", "困难原因", "What makes it difficult", follows=_after(
          "repayment_intention", "DIFFICULT", zh="有困难时", en="In difficulty", due_by=())),
    _item("satisfaction", "needs", "客户对服务的评价", "Satisfied with the bank", type="choice", choices=_SATISFACTION,
          kinds=_IRREGULAR, methods=_TALKS, asked_by=_MET, normal="SATISFIED"),
    _item("complaint", "needs", "投诉或意见", "Complaint or criticism", kinds=_IRREGULAR, methods=_TALKS, asked_by=_MET,
          follows=_after("satisfaction", "DISSATISFIED", zh="不满意时", en="Where dissatisfied", due_by=_TALKS)),
    # ⑫ education
    _item("education_given", "education", "已告知还款与征信影响", "Repayment and bureau effects explained",
          type="yesno", choices=_YES_NO, kinds=_FIRST, required=True, normal="YES"),
    # ⑬ differences and verification
    _item("trigger_facts", "findings", "触发事项", "Trigger", type="system", kinds=_IRREGULAR, methods=_EVERY,
          before="trigger_facts"),
    _item("change_cause", "findings", "变化原因", "Cause of the change", kinds=_IRREGULAR, required=True),
    _item("off_site_evidence", "findings", "非现场证据", "Off-site evidence", type="system", methods=("OFF_SITE",),
          before="off_site_evidence"),
    _item("evidence_checked", "findings", "系统证据已核对", "System evidence checked", type="yesno", choices=_YES_NO,
          methods=("OFF_SITE",), required=True, normal="YES"),
    _item("exception_note", "findings", "异常说明", "Exceptions explained", methods=("OFF_SITE",)),
    # ⑭ conclusion
    _item("measure_proposed", "conclusion", "建议措施", "Measure proposed", kinds=_IRREGULAR),
    _item("next_agreed_on", "conclusion", "下次约定日期", "Next agreed on", type="date", kinds=_IRREGULAR,
          methods=_TALKS),
    # Field only: who was met, what the place looks like.
    _item("person_met", "identity", "约见人", "Person met", type="choice", choices=_PERSON_MET, methods=("FIELD",),
          required=True, normal="BORROWER"),
    _item("site_condition", "collateral", "现场情况", "Condition on site", type="choice", choices=_CONDITION,
          kinds=("FIRST", "IRREGULAR"), methods=("FIELD",), required=True, normal="GOOD"),
    # Video: who is seen, where, and the recording that proves it. Counter: where the talk was.
    _item("face_matched", "identity", "人像与证件一致", "Face matches the identity card", type="yesno", choices=_YES_NO,
          methods=("VIDEO",), required=True, normal="YES"),
    _item("seen_at", "identity", "视频时所在地", "Where the borrower was", type="choice", choices=_SEEN_AT,
          methods=("VIDEO",), required=True, normal="HOME"),
    _item("video_recording", "identity", "录像编号", "Recording number", methods=("VIDEO",), required=True, max=80),
    _item("met_at", "identity", "面谈地点", "Where the talk was", type="choice", choices=_MET_AT, methods=("COUNTER",),
          required=True, normal="OWN_BRANCH"),
    # Self-service: how the borrower's own answers came in, and when they were given.
    _item("sent_by", "identity", "回件途径", "How it was sent in", type="choice", choices=_SENT_BY,
          methods=("SELF_SERVICE",), required=True),
    _item("filled_on", "identity", "客户填报日期", "Filled in on", type="date", methods=("SELF_SERVICE",),
          required=True),
    _item("recording_no", "identity", "录音编号", "Recording number", methods=("PHONE", "COUNTER"), max=80),
)  # fmt: skip


def default_items() -> list[dict[str, Any]]:
    """The default checklist in the order of the sections."""
    order = {key: place for place, (key, _zh, _en) in enumerate(SECTIONS)}
    return sorted(DEFAULT_ITEMS, key=lambda item: order[item["section"]])

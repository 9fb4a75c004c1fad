"""The questions of the default checklist, as data (sections ① to ⑭), and which of them are about the home.

Versioned: what is changed here is installed as the next version (`DEFAULT_VERSION`); visits begun keep theirs.
"""

from collections.abc import Sequence
from typing import Any, Final

DEFAULT_VERSION: Final = 5

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


_YES_NO = (("YES", "是", "Yes"), ("NO", "否", "No"))
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
_MET = (
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

DEFAULT_ITEMS: Final[tuple[dict[str, Any], ...]] = (
    # ① identity and contact
    _item("identity_checked", "identity", "已核对本人身份", "Identity checked", type="yesno", choices=_YES_NO,
          required=True, normal="YES"),
    _item("phone", "identity", "联系电话", "Phone", required=True, before="phone", max=20, format="phone"),
    _item("address", "identity", "联系地址", "Address", before="address", max=200),
    _item("marital_change", "identity", "婚姻变化", "Marital change", type="yesno", choices=_YES_NO, normal="NO"),
    # ② fund use
    _item("fund_arrived", "fund_use", "资金已到收款人账户", "Money arrived at the payee", type="yesno", choices=_YES_NO,
          kinds=_FIRST, methods=_EVERY, required=True, normal="YES"),
    _item("fund_use_matches", "fund_use", "用途与合同一致", "Use matches the contract", type="yesno", choices=_YES_NO,
          kinds=_FIRST, required=True, normal="YES"),
    _item("fund_backflow", "fund_use", "资金回流", "Fund backflow", type="yesno", choices=_YES_NO, kinds=_FIRST,
          required=True, normal="NO"),
    _item("down_payment_own", "fund_use", "首付款为自有资金", "Down payment from own money", type="yesno",
          choices=_YES_NO, kinds=_FIRST, normal="YES"),
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
    # ⑤ income and expense
    _item("monthly_income", "income", "税后月收入", "Monthly income after tax", type="money", kinds=_MEANS,
          required=True, before="monthly_income", lists=(CAPACITY,)),
    _item("spouse_income", "income", "配偶月收入", "Spouse's monthly income", type="money", kinds=_MEANS,
          before="spouse_income"),
    _item("property_fee", "income", "每月物业费", "Monthly property fee", type="money", kinds=_MEANS,
          before="property_fee"),
    # ⑥ debts
    _item("other_monthly_debt", "debts", "其他贷款月还款", "Other monthly debt service", type="money", kinds=_MEANS,
          required=True, before="other_monthly_debt", lists=(CAPACITY,)),
    _item("guarantees_given", "debts", "对外担保", "Guarantees given", kinds=_MEANS, before="guarantees_given",
          lists=(CAPACITY,)),
    # ⑦ repayment
    _item("payment_strip", "repayment", "近 12 期还款", "Last 12 installments", type="system", methods=_EVERY,
          before="payment_strip"),
    _item("five_class", "repayment", "当前分类", "Class", type="system", methods=_EVERY, before="five_class"),
    _item("repayment_intention", "repayment", "还款意愿", "Repayment intention", type="choice", choices=_INTENTION,
          required=True, normal="NORMAL"),
    # ⑧ collateral
    _item("property_value", "collateral", "房产价值", "Property value", type="system", methods=_EVERY,
          kinds=("FIRST", "PERIODIC"), before="property_value"),
    _item("property_condition", "collateral", "房屋状况", "Condition", type="choice", choices=_CONDITION,
          kinds=_PERIODIC, required=True, normal="GOOD"),
    _item("insurance_until", "collateral", "保险到期日", "Insured until", type="date", kinds=_PERIODIC,
          before="insurance_until"),
    # ⑨ registration
    _item("registration_kind", "registration", "登记状态", "Registration", type="choice", choices=_REGISTRATION,
          kinds=("FIRST", "PERIODIC"), required=True, before="registration_kind"),
    _item("registration_no", "registration", "不动产登记证明号", "Registration number", kinds=("FIRST", "PERIODIC"),
          before="registration_no", max=80),
    _item("seizure", "registration", "查封或纠纷", "Seizure or dispute", type="yesno", choices=_YES_NO,
          kinds=("FIRST", "PERIODIC"), normal="NO"),
    # ⑩ guarantor and developer
    _item("project_progress", "guarantor", "项目进度", "Progress of the development", kinds=_FIRST, max=200,
          before="project_progress", lists=(OFF_PLAN,)),
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
    # Field only: who was met, what the place looks like.
    _item("person_met", "identity", "约见人", "Person met", type="choice", choices=_MET, methods=("FIELD",),
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

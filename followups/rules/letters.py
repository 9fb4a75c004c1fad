"""Decides what a letter to a borrower says and may not say, and what of its delivery can be (文书与送达).

Three letters, each followed by its receipt of delivery (送达回执):
- NOTICE 回访告知书: before a visit in the field; who comes, when, what to have ready, that it costs nothing.
- RECTIFY 限期整改通知书: from an open measure that asks for it; what was found, what is to be done, by which day.
- DEMAND 逾期催收通知书: of a loan in arrears; every open installment to the fen with penalty and compound interest of
  the day.

A letter goes to the borrower and to nobody else: debts are told to no third party (个人信息保护法 10; GB/T 45251-2025).
Who stands surety for a loan is not in the book, and that two people belong together does not make both of them owe it.
A demand that arrived interrupts the limitation (民法典 195), so its delivery is a fact of its own. No telephone or
identity number of a person stands in what is typed, and nothing that threatens.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from unicodedata import normalize

NOTICE, RECTIFY, DEMAND = "NOTICE", "RECTIFY", "DEMAND"
KINDS: Final = (NOTICE, RECTIFY, DEMAND)
# The measure that asks for a letter (`rules.measures`).
ASKS_FOR_LETTER: Final = "NOTICE"
IN_PERSON, MAIL, LEFT, REFUSED, RETURNED = "IN_PERSON", "MAIL", "LEFT", "REFUSED", "RETURNED"
WAYS: Final = (IN_PERSON, MAIL, LEFT, REFUSED, RETURNED)
# Somebody took it; two people saw that it was left or refused; words say by which post and with what number.
RECEIVED: Final = (IN_PERSON, MAIL)
WITNESSED: Final = (LEFT, REFUSED)
EXPLAINED: Final = (MAIL, LEFT, REFUSED, RETURNED)
WORDS_LEAST: Final = 4
WITNESSES: Final = 2

# A borrower gets at least so many days to pay or to mend, and a letter asks for nothing farther away.
LEAST_DAYS, USUAL_DAYS, MOST_DAYS = 3, 10, 60
TYPED_LEAST, TYPED_MOST = 6, 300
_TELEPHONE = re.compile(
    r"(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)|(?<!\d)\(?0\d{2,3}\)?[- ]?\d{7,8}(?!\d)"
)
# Announcing that somebody else will be told of the debt; a borrower may well be asked to see his employer.
_TELLS_OTHERS = re.compile(
    r"(?:将|就会|便会|就要|本行会|我行会)[^。；，,;\n]{0,4}(?:告知|通知|告诉|联系)[^。；，,;\n]{0,6}"
    r"(?:单位|领导|同事|亲友|亲属|家属|家人|父母|邻居|居委|村委)"
)
_IDENTITY = re.compile(r"(?<![0-9A-Za-z])\d{17}[\dXx](?![\dXx])")
_BETWEEN_NAMES = re.compile(r"[、，,；;/\n]+|(?<=[\u4e00-\u9fff]{2})\s+(?=[\u4e00-\u9fff]{2})")
# What the borrower can be asked to mend or to prove. Whatever else a visit asks is left out, so that nothing of other
# people, of manners, of the bureau or of the developer comes into a letter because a question was added.
_TO_MEND: Final = frozenset({
    "id_valid", "fund_use_matches", "fund_backflow", "down_payment_own", "payee_is_seller", "occupancy", "employer",
    "monthly_income", "other_monthly_debt", "new_debts", "property_condition", "property_use", "site_condition",
    "insurance_until", "registration_kind", "mortgage_rank", "title_delivered", "seizure",
})  # fmt: skip
# Force, disgrace, or telling others of the debt.
_THREATS: Final = (
    "坐牢", "判刑", "逮捕", "拘留", "抓人", "老赖", "曝光", "黑社会", "后果自负", "通知单位", "通知您单位", "通知亲友",
    "告知亲友", "告知家属", "告知单位", "告知邻居", "张贴", "上门闹", "不得安宁",
)  # fmt: skip
# What a borrower has ready; the visit looks at less where it looks at the home only.
_PAPERS: Final = {
    "LOAN": (
        "本人有效身份证件",
        "近六个月收入证明或银行流水",
        "不动产权证书或购房合同",
        "贷款用途和还款情况的有关材料",
    ),
    "PROPERTY": ("本人有效身份证件", "不动产权证书或购房合同", "房屋保险单（如已投保）"),
}


@dataclass(frozen=True, slots=True)
class OpenInstallment:
    """What one billed installment owes on the day of a demand, in yuan."""

    number: int
    due_on: date
    principal: Decimal
    interest: Decimal
    penalty: Decimal
    compound: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest + self.penalty + self.compound


def usual_day(made_on: date, days: int = USUAL_DAYS, wished: date | None = None) -> date:
    """By when an answer is asked where nobody says a day: that of the measure if it leaves time enough."""
    if wished is not None and day_fault(made_on, wished) == "":
        return wished
    return made_on + timedelta(days=min(max(days, LEAST_DAYS), MOST_DAYS))


def day_fault(made_on: date, by: date) -> str:
    """Why a borrower may not be asked to answer by this day: too_soon, too_far; empty when he may."""
    if by < made_on + timedelta(days=LEAST_DAYS):
        return "too_soon"
    return "too_far" if by > made_on + timedelta(days=MOST_DAYS) else ""


def visit_day_fault(made_on: date, on: date, due_on: date) -> str:
    """Why a visit may not be announced for this day: past, or after it is due (it has to be rescheduled first)."""
    if on < made_on:
        return "past"
    return "after_due" if on > due_on else ""


def typed_faults(text: str) -> list[str]:
    """Why these words may not go to a borrower: a number of a person in it, or a threat."""
    plain = normalize("NFKC", text)
    faults = ["personal_number"] if _TELEPHONE.search(plain) or _IDENTITY.search(plain) else []
    is_threat = _TELLS_OTHERS.search(plain) or any(word in plain for word in _THREATS)
    return [*faults, "threat"] if is_threat else faults


def papers_for(subject: str) -> tuple[str, ...]:
    """What the borrower has ready for a visit; nothing where nobody of the loan is visited."""
    return _PAPERS.get(subject, ())


def claimed_since(overdue_since: date | None, rows: Sequence[OpenInstallment]) -> date | None:
    """From which day a demand claims arrears: never before the oldest row that it lists fell due.

    The days that a former system told may reach back before the oldest installment that it handed over.
    """
    return overdue_since and max(overdue_since, min(row.due_on for row in rows))


def demand_figures(rows: Sequence[OpenInstallment], fees: Decimal, suspense: Decimal) -> dict[str, Any]:
    """The figures of a demand as texts; ValueError when nothing is owed. The total is the sum of what is listed."""
    total = sum((row.total for row in rows), fees)
    if not rows or total <= 0:
        raise ValueError("a demand asks for something")
    parts = ("principal", "interest", "penalty", "compound")
    sums = {part: sum((getattr(row, part) for row in rows), Decimal("0.00")) for part in parts}
    return {
        "installments": [
            {
                "number": str(row.number),
                "due_on": row.due_on.isoformat(),
                **{part: money(getattr(row, part)) for part in parts},
                "total": money(row.total),
            }
            for row in rows
        ],
        "sums": {part: money(amount) for part, amount in sums.items()},
        "fees": money(fees),
        "suspense": money(suspense),
        "total": money(total),
    }


def money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def found_words(differences: Iterable[Mapping[str, Any]]) -> str:
    """What a report found different, as a first wording of the letter: label and what is now, of what the
    borrower can mend; no telephone numbers, and no events, whose words name who told of them."""
    said = [
        f"{row['label']['zh']}：{row['now_text']['zh']}"
        for row in differences
        if row.get("now_text", {}).get("zh") and not typed_faults(str(row["now_text"]["zh"])) and row["key"] in _TO_MEND
    ]
    return "；".join(said)[:TYPED_MOST]


def names_in(text: str) -> list[str]:
    """The people whom a line names, each once; a blank parts two names only between Chinese ones."""
    parts = [part.strip() for part in _BETWEEN_NAMES.split(text)]
    return list(dict.fromkeys(part for part in parts if part))


def delivery_faults(
    *,
    way: str,
    delivered_on: date,
    received_by: str,
    witnesses: str,
    words: str,
    made_on: date,
    today: date,
    borrower: str = "",
) -> dict[str, str]:
    """Field → code of what cannot be of a delivery; empty when it can."""
    faults: dict[str, str] = {}
    if way not in WAYS:
        faults["way"] = "not_a_choice"
    if not made_on <= delivered_on <= today:
        faults["delivered_on"] = "wrong_day"
    if (way in RECEIVED) != bool(received_by):
        faults["received_by"] = "who_received" if way in RECEIVED else "nobody_received"
    if way in WITNESSED and len(names_in(witnesses)) < WITNESSES:
        faults["witnesses"] = "two_witnesses"
    elif borrower and borrower in names_in(witnesses):
        faults["witnesses"] = "no_witness_of_ones_own"
    if way not in WITNESSED and witnesses:
        faults["witnesses"] = "no_witnesses"
    if way in EXPLAINED and len(words) < WORDS_LEAST:
        faults["words"] = "words_missing"
    return faults


def may_be_delivered_again(standing: str) -> bool:
    """May another delivery be kept beside the one that stands: nothing stands, or it came back."""
    return standing in ("", RETURNED)

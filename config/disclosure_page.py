"""Making a cost disclosure on screen: contract and items typed in, looked at as the document will say it, then made.

It stands in the composition root because the form is read by the API's own serializers. What the button makes is what
was looked at: anything changed since is shown once more first.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from config.contract_fields import (
    AGREED,
    AMOUNT,
    CHOICE,
    FIRST_HOME,
    PRICING,
    PRODUCT,
    TERMS,
    Asked,
    Group,
    body_of,
    faults_of,
    group,
    in_page_words,
    placed,
    read,
    shown,
)
from journal.errors import ActionRefused
from loans.actions.disclosure import LANGUAGE, NewDisclosure, content_of, make_disclosure
from loans.api.disclosures import MOST_ITEMS, DisclosureForm, asked_from
from loans.disclosure_wording import shown as said_of
from loans.fee_words import FEE_WORDS
from loans.queries import require_business_date
from loans.rules.capitals import capital_amount
from loans.rules.money import yuan
from people.web import PageView, led_once, new_form_key, no_store

PART = (
    Asked(
        "is_combination_part",
        _lazy("组合贷"),
        CHOICE,
        (("", _lazy("单独一笔")), ("yes", _lazy("组合贷的一部分"))),
        is_more=True,
    ),
    Asked("partner", _lazy("另一部分的明示表编号"), is_optional=True, is_more=True, size="wide"),
)
HEAD = (PRODUCT, *TERMS, *PRICING, *AGREED, *PART, *FIRST_HOME)
_DUES = (
    ("UPFRONT", _lazy("放款时一次")),
    ("EACH_INSTALLMENT", _lazy("每期")),
    ("EACH_YEAR", _lazy("每年")),
)
_FEE = (
    Asked("code", _lazy("代码"), size="code"),
    Asked("label", _lazy("项目名称"), is_optional=True, most=80),
    Asked("charged_by", _lazy("收取方"), most=80),
    Asked("amount", _lazy("每次金额（元）"), AMOUNT),
    Asked("due", _lazy("收取时间"), CHOICE, _DUES, "UPFRONT"),
)
_CONTINGENT = (
    Asked("code", _lazy("代码"), size="code"),
    Asked("label", _lazy("项目名称"), is_optional=True, most=80),
    Asked("charged_by", _lazy("收取方"), most=80),
    Asked("amount", _lazy("最高金额（元）"), AMOUNT, is_optional=True),
    Asked("basis", _lazy("或：怎样计算"), is_optional=True, size="wide", most=200),
)
_ROWS = {"fees": _FEE, "contingent": _CONTINGENT}
_BLANK_ROWS = 1


def row_fields(kind: str, index: int) -> tuple[Asked, ...]:
    """The fields of one item: `fees.0.code`."""
    return tuple(
        Asked(
            f"{kind}.{index}.{each.name}", each.label, each.input, each.choices, each.default, each.is_optional,
            size=each.size, most=each.most,
        )
        for each in _ROWS[kind]
    )  # fmt: skip


def count_rows(sent: Mapping[str, str], kind: str, more: str) -> int:
    """How many rows of a kind the form has: those that were sent, one more when asked for."""
    numbers = [name.split(".")[1] for name in sent if name.startswith(f"{kind}.") and name.count(".") == 2]
    found = max((int(each) + 1 for each in numbers if each.isascii() and each.isdigit() and len(each) < 3), default=0)
    return min(max(found, _BLANK_ROWS) + (more == f"more_{kind}"), MOST_ITEMS)


class NewDisclosurePage(PageView):
    permission = "loans.disclose"
    template_name = "loans/disclosure_new.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.answer({}, status=200)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        sent = {name: str(value) for name, value in request.POST.items()}
        if request.POST.get("verb", "").startswith("more_"):
            return self.answer(sent, status=200)
        fields, typed = self.read(sent)
        asked, faults = self.understood(fields, typed)
        if asked is None:
            return self.answer(sent, faults=faults, status=422)
        if request.POST.get("verb") != "make":
            return self.answer(sent, asked=asked, status=200)
        if request.POST.get("seen") != fingerprint(asked):
            words = _("内容在预览之后有改动，下面是新的预览，请核对后再出具。")
            return self.answer(sent, asked=asked, notice=words, status=409)
        try:
            address = led_once(request=request, staff=self.staff, at=self.at, effect=lambda: self.made(asked))
        except ActionRefused as refusal:
            return self.answer(sent, faults={refusal.field or "terms": refusal.message}, status=422)
        return redirect(address)

    def made(self, asked: NewDisclosure) -> str:
        made = make_disclosure(asked=asked, by=self.staff, at=self.at)
        return reverse("loans:disclosure", args=[made.pk])

    def read(self, sent: Mapping[str, str]) -> tuple[tuple[Asked, ...], dict[str, str]]:
        """Every field of the form with what was typed."""
        more, is_fresh = str(sent.get("verb", "")), not sent
        rows = tuple(
            field
            for kind in _ROWS
            for index in range(count_rows(sent, kind, more))
            for field in row_fields(kind, index)
        )
        fields = (*HEAD, *rows)
        typed = read(sent, fields, is_fresh=is_fresh)
        if is_fresh:
            typed["terms.disbursed_on"] = str(require_business_date())
        return fields, typed

    def understood(
        self, fields: tuple[Asked, ...], typed: Mapping[str, str]
    ) -> tuple[NewDisclosure | None, dict[str, str]]:
        """What is to be disclosed, or every fault by field."""
        body = body_of(HEAD, typed)
        if body.pop("is_combination_part", ""):
            body["is_combination_part"] = True
        places: dict[str, str] = {}
        for kind in _ROWS:
            body[kind], kept = rows_of(kind, fields, typed)
            places |= {f"{kind}.{at}": f"{kind}.{index}" for at, index in enumerate(kept)}
        form = DisclosureForm(data=body)
        if not form.is_valid():
            faults = in_page_words(faults_of(form.errors), typed, body)
            return None, {row_name(name, places): words for name, words in faults.items()}
        asked = asked_from(dict(form.validated_data))
        try:
            content_of(asked, day=require_business_date(), by=self.staff)
        except ActionRefused as refusal:
            return None, {refusal.field or "terms": refusal.message}
        return asked, {}

    def answer(
        self,
        sent: Mapping[str, str],
        *,
        faults: Mapping[str, str] | None = None,
        asked: NewDisclosure | None = None,
        notice: str = "",
        status: int,
    ) -> HttpResponse:
        fields, typed = self.read(sent)
        at_field, elsewhere = placed(faults or {}, fields)
        context: dict[str, Any] = {
            "groups": groups(typed, at_field),
            "fee_rows": item_rows("fees", fields, typed, at_field),
            "contingent_rows": item_rows("contingent", fields, typed, at_field),
            "usual": list(FEE_WORDS.items()),
            "faulty": [each for each in shown(fields, typed, at_field) if each.fault],
            "elsewhere": elsewhere,
            "notice": notice,
            "form_key": new_form_key(),
        }
        if asked is not None:
            content = content_of(asked, day=require_business_date(), by=self.staff)
            amount = yuan(asked.request.principal_fen)
            context |= {
                "said": said_of(content),
                "seen": fingerprint(asked),
                "capitals": capital_amount(amount) if get_language() == "zh-hans" else "",
            }
        response = self.render_to_response(self.get_context_data(**context))
        response.status_code = status
        return no_store(response)


def fingerprint(asked: NewDisclosure) -> str:
    """One word for what was understood: making another disclosure than was shown is refused."""
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:32]


def rows_of(kind: str, fields: tuple[Asked, ...], typed: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[int]]:
    """The items of a kind that say something, and which rows of the form they are."""
    found: list[dict[str, Any]] = []
    kept: list[int] = []
    count = len({field.name.split(".")[1] for field in fields if field.name.startswith(f"{kind}.")})
    for index in range(count):
        row = row_fields(kind, index)
        if not any(typed[each.name].strip() for each in row if each.input != CHOICE):
            continue
        # Field names are numbers on the way: the body is a list, not an object.
        item = body_of(row, typed)[kind][str(index)]
        code = item["code"] = str(item.get("code", "")).upper()
        if "label" not in item and code in FEE_WORDS:
            with override(LANGUAGE):
                item["label"] = str(FEE_WORDS[code])
        found.append(item)
        kept.append(index)
    return found, kept


def row_name(name: str, places: Mapping[str, str]) -> str:
    """The name of an item's field in the form, where rows left empty count too."""
    head, tail = name.rsplit(".", 1) if name.count(".") == 2 else (name, "")
    return f"{places[head]}.{tail}" if head in places and tail else name


def item_rows(
    kind: str, fields: tuple[Asked, ...], typed: Mapping[str, str], faults: Mapping[str, str]
) -> list[tuple[Any, ...]]:
    width = len(_ROWS[kind])
    every = shown([each for each in fields if each.name.startswith(f"{kind}.")], typed, faults)
    return [every[start : start + width] for start in range(0, len(every), width)]


def groups(typed: Mapping[str, str], faults: Mapping[str, str]) -> list[Group]:
    """The parts of the form above its items."""
    return [
        group(_("贷款要素"), (PRODUCT, *TERMS), typed, faults),
        group(_("定价"), PRICING, typed, faults),
        group(
            _("另行约定、组合贷与贴息"), (*AGREED, *PART, *FIRST_HOME), typed, faults,
            _("没有另行约定的，按本行标准。"),
        ),
    ]  # fmt: skip

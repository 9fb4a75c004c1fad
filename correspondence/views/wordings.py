"""Pages of wordings: the versions of each reminder, a new one with its preview, one version and its decision."""

from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from correspondence.actions import WordingWrongDate, decide_wording, propose_wording, withdraw_wording
from correspondence.actions.wordings import APPROVE, PROPOSE, check_text
from correspondence.models import MessageKind, Template
from correspondence.queries import Sample, sample_of, wordings
from correspondence.rules.wording import FIELDS, LONGEST, fill, needed
from journal.errors import ActionRefused
from loans.queries import open_business_date
from loans.views.files import answer
from people.queries import may
from people.web import PageView, visible_or_404

STATE_WORDS = {
    "WAITING": gettext_lazy("待复核"),
    "APPROVED": gettext_lazy("已批准"),
    "RETURNED": gettext_lazy("已退回"),
    "WITHDRAWN": gettext_lazy("已撤回"),
}
FIELD_WORDS = {
    "bank": gettext_lazy("本行名称"),
    "name": gettext_lazy("借款人"),
    "note_tail": gettext_lazy("借据尾号"),
    "about": gettext_lazy("应还日"),
    "as_of": gettext_lazy("截至日"),
    "amount": gettext_lazy("金额"),
    "hotline": gettext_lazy("客服电话"),
}
_MOST = 100


def typed_day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise WordingWrongDate(_("生效日请写成 YYYY-MM-DD，且确有这一天。"), field="from_on") from None


def row_of(wording: Template, today: date | None) -> dict[str, Any]:
    """A version as a row shows it; the one in force is marked."""
    first, until = wording.in_force.lower, wording.in_force.upper
    is_now = bool(wording.checker and today and first <= today and (until is None or today < until))
    return {"wording": wording, "state": STATE_WORDS[wording.state], "is_now": is_now}


class WordingBase(PageView):
    permission = "correspondence.view_wording"

    def sample(self, kind: str, today: date | None) -> Sample:
        return sample_of(kind, self.staff, today or self.at.date())


class WordingList(WordingBase):
    """The versions of a reminder; a new one begins here with the words in force."""

    template_name = "correspondence/wordings.html"
    acts_with = PROPOSE

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(request.GET.get("kind", ""))

    def post(self, request: HttpRequest) -> HttpResponse:
        posted, kind = request.POST, request.POST.get("kind", "")
        try:
            if posted.get("verb") == "preview":
                return self._shown(kind, preview=check_text(posted.get("text", ""), kind))
            made = propose_wording(
                kind=kind, text=posted.get("text", ""), from_on=typed_day(posted.get("from_on", "")),
                reason=posted.get("reason", ""), by=self.staff, at=self.at,
            )  # fmt: skip
        except ActionRefused as refusal:
            return self._shown(kind, refusal)
        messages.success(request, _("已提交复核，须由另一人批准。"))
        return redirect("correspondence:wording", made.pk)

    def _shown(self, kind: str, refusal: ActionRefused | None = None, preview: str = "") -> HttpResponse:
        kind = kind if kind in MessageKind.values else MessageKind.DUE
        today = open_business_date()
        rows = [row_of(each, today) for each in wordings().filter(kind=kind).order_by("-version")[:_MOST]]
        now = next((row["wording"] for row in rows if row["is_now"]), None)
        sample = self.sample(kind, today)
        context = self.get_context_data(
            kind=kind,
            kinds=[{"code": code, "label": label, "is_on": code == kind} for code, label in MessageKind.choices],
            rows=rows,
            now=now,
            now_shown=fill(now.text, sample.fields) if now else "",
            sample=sample,
            preview=fill(preview, sample.fields) if preview else "",
            fields=[(f"{{{name}}}", FIELD_WORDS[name], name in needed(kind)) for name in FIELDS],
            longest=LONGEST,
            may_propose=may(self.staff, PROPOSE) and not any(row["wording"].state == "WAITING" for row in rows),
            refusal=refusal,
            typed=self.request.POST,
            tomorrow=today + timedelta(days=1) if today else None,
            business_date=today,
        )
        return answer(self, context, refusal)


class WordingPage(WordingBase):
    """One version beside the words in force; another person decides, its maker may withdraw."""

    template_name = "correspondence/wording.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._shown(visible_or_404(wordings(), pk=pk))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        wording: Template = visible_or_404(wordings(), pk=pk)
        posted = request.POST
        verb, remark = posted.get("verb", ""), posted.get("remark", "")
        try:
            if verb == "withdraw":
                withdraw_wording(wording_id=wording.pk, reason=remark, by=self.staff, at=self.at)
                messages.success(request, _("已撤回。"))
            else:
                decide_wording(
                    wording_id=wording.pk, approve=verb == "approve", remark=remark,
                    content_sha256=posted.get("content_sha256", ""), by=self.staff, at=self.at,
                )  # fmt: skip
                messages.success(request, _("已批准。") if verb == "approve" else _("已退回拟稿人。"))
        except ActionRefused as refusal:
            return self._shown(Template.objects.get(pk=pk), refusal)
        return redirect("correspondence:wording", pk)

    def _shown(self, wording: Template, refusal: ActionRefused | None = None) -> HttpResponse:
        today = open_business_date()
        sample = self.sample(wording.kind, today)
        others = wordings().filter(kind=wording.kind).exclude(checker="").exclude(pk=wording.pk)
        before = others.filter(version__lt=wording.version).order_by("-version").first()
        waits, is_own = wording.state == "WAITING", wording.maker == self.staff.staff_no
        context = self.get_context_data(
            **row_of(wording, today),
            before=before,
            shown=fill(wording.text, sample.fields),
            before_shown=fill(before.text, sample.fields) if before else "",
            sample=sample,
            may_decide=waits and not is_own and may(self.staff, APPROVE),
            may_withdraw=waits and is_own and may(self.staff, PROPOSE),
            is_own_waiting=waits and is_own,
            refusal=refusal,
            typed=self.request.POST,
            business_date=today,
        )
        return answer(self, context, refusal)

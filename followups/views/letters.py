"""文书: the letters of a loan with their delivery; making one, taking its PDF, saying how it arrived."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from followups import actions
from followups.actions.letters import Asked, LetterRefused
from followups.models import DeliveryWay, HeardBy, Letter
from followups.queries.letters import letters_of, may_deliver, offers
from followups.views.desk_list import id_of
from followups.views.leave import day_of
from followups.views.rows import borrower_for
from journal.errors import ActionRefused
from loans.models import Loan
from loans.queries import open_business_date
from loans.views.files import answer
from people.actions import NotAllowed
from people.web import PageView, no_store, visible_or_404

_TYPED = ("kind", "task", "measure", "found", "asked", "answer_by")
SHOWN_BESIDE = 3


class LoanLetters(PageView):
    """The list and what may be made; beside a task or the loan's events only the newest few."""

    permission = "followups.view"
    template_name = "followups/letters/page.html"
    part_template = "followups/letters/section.html"

    def loan(self, pk: int) -> Loan:
        found = Loan.objects.visible_to(self.staff).select_related("borrower", "branch", "position")
        loan: Loan = visible_or_404(found, pk=pk)
        return loan

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        if self.part_template in self.get_template_names():
            rows = letters_of(loan.pk, SHOWN_BESIDE)
            return no_store(self.render_to_response(self.get_context_data(loan=loan, rows=rows)))
        return no_store(self.render_to_response(self._context(loan)))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        typed = {name: request.POST.get(name, "").strip() for name in _TYPED}
        try:
            letter, is_new = actions.make_letter(loan_id=loan.pk, asked=_asked(typed), by=self.staff, at=self.at)
        except ActionRefused as refusal:
            context = self._context(loan, refused=refusal.message, field=refusal.field, typed=typed)
            return answer(self, context, refusal)
        said = {"letter": letter.get_kind_display(), "number": letter.number}
        if is_new:
            messages.success(request, _("已制作%(letter)s %(number)s，可下载打印。") % said)
        else:
            messages.success(request, _("今天已制作过同样的%(letter)s %(number)s，没有重复制作。") % said)
        return redirect("followups:loan_letters", pk=loan.pk)

    def _context(self, loan: Loan, **more: Any) -> dict[str, Any]:
        today = open_business_date()
        if today is None:
            return self.get_context_data(**{"loan": loan, "is_closed": True, **more})
        rows = letters_of(loan.pk)
        for row in rows:
            row.letter.loan = loan
        return self.get_context_data(
            **{
                "loan": loan,
                "name": borrower_for(self.staff, loan),
                "rows": [{"row": row, "may_deliver": may_deliver(row.letter, self.staff)} for row in rows],
                "offers": offers(loan, self.staff, today),
                "ways": DeliveryWay.choices,
                "receivers": HeardBy.choices,
                "business_date": today,
                "typed": {},
                **more,
            }
        )


def _asked(typed: dict[str, str]) -> Asked:
    answer_by: date | None = None
    if typed["answer_by"]:
        answer_by = day_of(typed["answer_by"])
        if answer_by is None:
            raise LetterRefused(_("请填写有效日期，如 2026-10-30"), field="answer_by", code="not_a_date")
    ids = {f"{name}_id": id_of(typed[name]) or None for name in ("task", "measure")}
    return Asked(
        kind=typed["kind"], found=typed["found"], asked=typed["asked"], answer_by=answer_by,
        task_id=ids["task_id"], measure_id=ids["measure_id"],
    )  # fmt: skip


class LetterPdf(PageView):
    """The kept bytes of a letter and its receipt of delivery."""

    permission = "followups.view"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        found = Letter.objects.visible_to(self.staff).select_related("pdf", "loan", "task").defer("content")
        letter = visible_or_404(found, pk=pk)
        try:
            content = actions.hand_out_letter(letter=letter, by=self.staff, at=self.at)
        except NotAllowed as refusal:
            raise PermissionDenied from refusal
        response = HttpResponse(content, content_type="application/pdf")
        response["Content-Disposition"] = f'inline; filename="{letter.number}.pdf"'
        response["X-Content-Type-Options"] = "nosniff"
        return no_store(response)


class LetterStep(PageView):
    """A button of a letter: one action, then back to the letters of its loan, with a sentence."""

    permission = "followups.view"
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        letter = visible_or_404(Letter.objects.visible_to(self.staff).defer("content"), pk=pk)
        try:
            done = self.step(letter)
        except ActionRefused as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(request, done)
        return redirect("followups:loan_letters", pk=letter.loan_id)

    def step(self, letter: Letter) -> str:
        raise NotImplementedError


class DeliverLetter(LoanLetters):
    """Keeps how a letter arrived; refused, the letters of its loan with the form as it was filled in."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        letter = visible_or_404(Letter.objects.visible_to(self.staff).defer("content"), pk=pk)
        try:
            messages.success(request, self._deliver(letter))
        except ActionRefused as refusal:
            context = self._context(
                self.loan(letter.loan_id), refused=refusal.message, delivering=letter.pk, delivery_field=refusal.field,
                given=request.POST,
            )  # fmt: skip
            return answer(self, context, refusal)
        return redirect("followups:loan_letters", pk=letter.loan_id)

    def _deliver(self, letter: Letter) -> str:
        given = self.request.POST
        delivered_on = day_of(given.get("delivered_on", ""))
        if given.get("delivered_on") and delivered_on is None:
            raise LetterRefused(_("请填写有效日期，如 2026-10-30"), field="delivered_on", code="not_a_date")
        texts = {name: given.get(name, "").strip() for name in ("way", "received_by", "witnesses", "words")}
        made = actions.deliver_letter(
            letter_id=letter.pk, delivered_on=delivered_on, **texts, by=self.staff, at=self.at
        )  # fmt: skip
        said = {"number": letter.number, "way": made.get_way_display()}
        return _("已登记 %(number)s：%(way)s。") % said


class WithdrawLetter(LetterStep):
    """作废: the letter stays readable and is not to go out."""

    def step(self, letter: Letter) -> str:
        actions.withdraw_letter(
            letter_id=letter.pk, reason=self.request.POST.get("reason", ""), by=self.staff, at=self.at
        )
        return _("%(letter)s %(number)s 已作废，请勿再发出。") % {
            "letter": letter.get_kind_display(), "number": letter.number,
        }  # fmt: skip


class UndoDelivery(LetterStep):
    permission = "followups.view"

    def step(self, letter: Letter) -> str:
        reason = self.request.POST.get("reason", "")
        actions.undo_delivery(letter_id=letter.pk, reason=reason, by=self.staff, at=self.at)
        return _("已更正 %(number)s：尚未送达。") % {"number": letter.number}

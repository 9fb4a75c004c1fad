"""Asking for a change: the kind, its fields, what it would do, then handing it in for a second person to decide."""

import hashlib
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.actions.changes import ChangePreview, preview_change, propose_change
from loans.forms import WHAT_FOR, asked_of, fields_of, is_asked
from loans.models import ChangeKind, Loan
from loans.queries import require_business_date
from loans.queries.changes import change_facts
from loans.views.changes import paired_rows, pricing_rows, written_off
from loans.views.one_loan import OneLoanPage, loan_head
from people.web import no_store

ROWS_SHOWN = 12
# A file may be this large and a little more; the action says what it keeps.
MOST_READ = 11 * 1024 * 1024


def fingerprint(preview: ChangePreview) -> str:
    """One word for a preview: handing in another one than was shown is refused."""
    return hashlib.sha256(repr(preview).encode()).hexdigest()[:32]


class NewChange(OneLoanPage):
    permission = "loans.propose_change"
    template_name = "loans/change_new.html"
    part_template = "loans/parts/change_preview.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        kind = request.GET.get("kind", "")
        if kind not in ChangeKind.values:
            kinds = [(value, label, WHAT_FOR[ChangeKind(value)]) for value, label in ChangeKind.choices]
            head = loan_head(request, loan, self.staff)
            return no_store(self.render_to_response(self.get_context_data(**head, kinds=kinds)))
        return self.shown(loan, kind, request.GET)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        loan = self.loan(pk)
        kind = request.POST.get("kind", "")
        if kind not in ChangeKind.values:
            return redirect("loans:change_new", pk=loan.pk)
        asked = asked_of(kind, request.POST.dict())
        try:
            preview = preview_change(loan_id=loan.pk, kind=kind, asked=asked, by=self.staff, at=self.at)
            if request.POST.get("seen") != fingerprint(preview):
                words = _("贷款在试算之后有变动，下面是新的试算，请核对后再提交。")
                return self.shown(loan, kind, request.POST, status=409, refused=words)
            change = propose_change(
                loan_id=loan.pk,
                kind=kind,
                asked=asked,
                reason=request.POST.get("reason", ""),
                evidence=self.evidence(),
                by=self.staff,
                at=self.at,
            )
        except ActionRefused as refusal:
            status = 409 if refusal.conflict else 422
            return self.shown(loan, kind, request.POST, status=status, refused=refusal.message, field=refusal.field)
        return redirect("loans:change", pk=change.pk)

    def written_off(self, loan: Loan, preview: ChangePreview) -> dict[str, Any] | None:
        if preview.kind != ChangeKind.WRITE_OFF:
            return None
        facts = change_facts(loan.pk, as_of=require_business_date(), effective_on=preview.effective_on)
        return written_off(loan, facts.state, preview.kind, preview.effective_on)

    def evidence(self) -> tuple[str, bytes] | None:
        file = self.request.FILES.get("evidence")
        if not isinstance(file, UploadedFile):
            return None
        return str(file.name or ""), bytes(file.read(MOST_READ))

    def shown(
        self, loan: Loan, kind: str, sent: QueryDict, *, status: int = 200, refused: str = "", field: str = ""
    ) -> HttpResponse:
        typed = {name: str(value) for name, value in sent.dict().items()}
        asked = asked_of(kind, typed)
        typed.setdefault("effective_on", str(require_business_date()))
        context: dict[str, Any] = {
            **loan_head(self.request, loan, self.staff),
            "kind": kind,
            "kind_label": ChangeKind(kind).label,
            "what_for": WHAT_FOR[ChangeKind(kind)],
            "fields": fields_of(kind, typed),
            "asked": asked,
            "typed": typed,
            "refused": refused,
            "field": field,
        }
        if is_asked(kind, asked):
            try:
                preview = preview_change(loan_id=loan.pk, kind=kind, asked=asked, by=self.staff, at=self.at)
                context |= {
                    "preview": preview,
                    "pricing": pricing_rows(preview),
                    "off": self.written_off(loan, preview),
                    "rows": paired_rows(preview)[:ROWS_SHOWN],
                    "seen": fingerprint(preview),
                }
            except ActionRefused as refusal:
                context |= {"refused": refused or refusal.message, "field": field or refusal.field}
                status = status if status != 200 else 422
        response = self.render_to_response(self.get_context_data(**context))
        response.status_code = status
        return no_store(response)

"""What the pages of one loan share: the loan as the person sees it, the borrower's name by rule, the tabs."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from loans.contract_wording import standing_words
from loans.models import Loan
from loans.queries import maturity_in_force
from loans.queries.names import borrower_name
from people.models import Staff
from people.queries import may
from people.web import PageView, visible_or_404

# Tab, URL name, permission.
_TABS = (
    (gettext_noop("合同"), "loans:contract", "loans.view"),
    (gettext_noop("分录"), "loans:postings", "loans.view"),
    (gettext_noop("对账单"), "loans:statement", "loans.view"),
    (gettext_noop("费用"), "loans:fees", "loans.view"),
    (gettext_noop("退款"), "loans:propose_refund", "loans.post_receipts"),
    (gettext_noop("收款"), "loans:payment", "loans.post_receipts"),
    (gettext_noop("提前还款"), "loans:prepay", "loans.propose_change"),
    (gettext_noop("申请变更"), "loans:change_new", "loans.propose_change"),
)


@dataclass(frozen=True)
class Tab:
    """A page of the loan in its head."""

    label: str
    url: str
    is_on: bool


def loan_head(request: HttpRequest, loan: Loan, staff: Staff) -> dict[str, Any]:
    """Context of the head of a loan's pages."""
    tabs = []
    for label, name, permission in _TABS:
        if may(staff, permission):
            url = reverse(name, args=[loan.pk])
            tabs.append(Tab(_(label), url, request.path.startswith(url)))
    return {
        "loan": loan,
        "name": borrower_name(loan, staff),
        "loan_tabs": tabs,
        "standing": standing_words(loan),
        "maturity": maturity_in_force(loan),
    }


class OneLoanPage(PageView):
    """A page of one loan that the person may see."""

    permission = "loans.view"

    def loan(self, pk: int) -> Loan:
        """With what its head shows; what a pressed button changes is shown by the next page."""
        found = Loan.objects.visible_to(self.staff)
        if self.request.method != "POST":
            found = found.select_related("borrower", "branch", "portfolio_officer", "position", "combination")
        loan: Loan = visible_or_404(found, pk=pk)
        return loan

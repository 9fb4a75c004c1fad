"""Every address of the REST API, version 1; anything else below it is the same 404 as a missing object."""

from django.urls import include, path, re_path

from config import files_api
from config import contract_api
from followups import api as followups
from loans import api as loans
from loans.api import disclosures
from people.api.schema import ReadingPage, Schema
from people.api.tokens import CurrentToken, Tokens
from people.api.views import NothingHere

routes = [
    path("tokens/", Tokens.as_view(), name="tokens"),
    path("tokens/current/", CurrentToken.as_view(), name="current-token"),
    path("business-date/", loans.BusinessDate.as_view(), name="business-date"),
    path("loans/", contract_api.Loans.as_view(), name="loans"),
    path("combinations/", contract_api.Combinations.as_view(), name="combinations"),
    path("disclosures/", disclosures.Disclosures.as_view(), name="disclosures"),
    path("disclosures/<int:pk>/", disclosures.DisclosureDetail.as_view(), name="disclosure"),
    path("disclosures/<int:pk>/pdf/", disclosures.DisclosurePdf.as_view(), name="disclosure-pdf"),
    path("loans/<int:pk>/", followups.LoanDetail.as_view(), name="loan"),
    path("loans/<int:pk>/installments/", loans.LoanInstallments.as_view(), name="loan-installments"),
    path("loans/<int:pk>/schedule/", loans.LoanSchedule.as_view(), name="loan-schedule"),
    path("loans/<int:pk>/postings/", loans.LoanPostings.as_view(), name="loan-postings"),
    path("loans/<int:pk>/timeline/", followups.LoanTimeline.as_view(), name="loan-timeline"),
    path("loans/<int:pk>/changes/", loans.LoanChanges.as_view(), name="loan-changes"),
    path("loans/<int:pk>/changes/preview/", loans.LoanChangePreview.as_view(), name="loan-change-preview"),
    path("changes/", loans.ChangeList.as_view(), name="changes"),
    path("changes/<int:pk>/", loans.ChangeDetail.as_view(), name="change"),
    path("changes/<int:pk>/evidence/", loans.ChangeEvidence.as_view(), name="change-evidence"),
    path("changes/<int:pk>/decide/", loans.ChangeDecide.as_view(), name="change-decide"),
    path("changes/<int:pk>/sign/", loans.ChangeSign.as_view(), name="change-sign"),
    path("changes/<int:pk>/apply/", loans.ChangeApply.as_view(), name="change-apply"),
    path("changes/<int:pk>/withdraw/", loans.ChangeWithdraw.as_view(), name="change-withdraw"),
    path("changes/<int:pk>/reverse/", loans.ChangeReverse.as_view(), name="change-reverse"),
    path("loans/<int:pk>/pricing/", loans.LoanPricing.as_view(), name="loan-pricing"),
    path("lpr/", loans.LprRates.as_view(), name="lpr"),
    path("lpr/<int:pk>/decide/", loans.LprDecide.as_view(), name="lpr-decide"),
    path("repricing-runs/", loans.RunList.as_view(), name="repricing-runs"),
    path("repricing-runs/<int:pk>/", loans.RunDetail.as_view(), name="repricing-run"),
    path("repricing-runs/<int:pk>/items/", loans.RunItems.as_view(), name="repricing-items"),
    path("repricing-runs/<int:pk>/decide/", loans.RunDecide.as_view(), name="repricing-decide"),
    path("repricing-runs/<int:pk>/cancel/", loans.RunCancel.as_view(), name="repricing-cancel"),
    path("repricing-missed/", loans.MissedRepricings.as_view(), name="repricing-missed"),
    path("spread-gaps/", loans.WideSpreads.as_view(), name="spread-gaps"),
    path("receipts/", loans.Receipts.as_view(), name="receipts"),
    path("receipts/<int:pk>/reverse/", loans.ReceiptReversal.as_view(), name="receipt-reverse"),
    path("receipts/<int:pk>/match/", loans.MatchReceipt.as_view(), name="receipt-match"),
    path("receipts/<int:pk>/return/", loans.ReturnReceipt.as_view(), name="receipt-return"),
    path("debits/", loans.Debits.as_view(), name="debits"),
    path("money-files/", files_api.SentFiles.as_view(), name="money-files"),
    path("money-files/<int:pk>/", loans.MoneyFileDetail.as_view(), name="money-file"),
    path("money-files/<int:pk>/content/", loans.MoneyFileContent.as_view(), name="money-file-content"),
    path("breaks/", loans.Breaks.as_view(), name="breaks"),
    path("breaks/<int:pk>/close/", loans.CloseBreak.as_view(), name="break-close"),
    path("refunds/", loans.Refunds.as_view(), name="refunds"),
    path("refunds/<int:pk>/", loans.RefundDetail.as_view(), name="refund"),
    path("refunds/<int:pk>/decide/", loans.RefundDecision.as_view(), name="refund-decide"),
    path("simulations/schedule/", loans.ScheduleSimulation.as_view(), name="simulation-schedule"),
    path("tasks/", followups.TaskList.as_view(), name="tasks"),
    path("tasks/<int:pk>/", followups.TaskDetail.as_view(), name="task"),
    path("tasks/<int:pk>/claim/", followups.Claim.as_view(), name="task-claim"),
    path("tasks/<int:pk>/assign/", followups.Assign.as_view(), name="task-assign"),
    path("tasks/<int:pk>/start/", followups.Start.as_view(), name="task-start"),
    path("tasks/<int:pk>/draft/", followups.SaveDraft.as_view(), name="task-draft"),
    path("tasks/<int:pk>/preview/", followups.Preview.as_view(), name="task-preview"),
    path("tasks/<int:pk>/submit/", followups.Submit.as_view(), name="task-submit"),
    path("tasks/<int:pk>/reschedule/", followups.Reschedule.as_view(), name="task-reschedule"),
    path("visits/<int:pk>/", followups.VisitDetail.as_view(), name="visit"),
    path("reports/", followups.ReportList.as_view(), name="reports"),
    path("reports/<int:pk>/", followups.ReportDetail.as_view(), name="report"),
    path("reports/<int:pk>/pdf/", followups.ReportPdf.as_view(), name="report-pdf"),
    path("reports/<int:pk>/approve/", followups.Approve.as_view(), name="report-approve"),
    path("reports/<int:pk>/return/", followups.Return.as_view(), name="report-return"),
    path("schema/", Schema.as_view(), name="schema"),
    path("docs/", ReadingPage.as_view(), name="docs"),
    re_path(r"^.*$", NothingHere.as_view(), name="nothing"),
]
urlpatterns = [path("", include((routes, "api")))]

"""Addresses of loan lists."""

from django.urls import path

from loans import views
from loans.views import pricing, repricing

app_name = "loans"
urlpatterns = [
    path("loans/", views.LoanList.as_view(), name="list"),
    path("loans/<int:pk>/contract/", views.ContractPage.as_view(), name="contract"),
    path("loans/<int:pk>/contract/schedule/", views.ContractSchedule.as_view(), name="contract_schedule"),
    path("loans/<int:pk>/postings/", views.PostingsPage.as_view(), name="postings"),
    path("loans/<int:pk>/statement/", views.StatementPage.as_view(), name="statement"),
    path("loans/<int:pk>/statement.pdf", views.StatementDocument.as_view(), name="statement_pdf"),
    path("loans/<int:pk>/statement.xlsx", views.StatementWorkbook.as_view(), name="statement_xlsx"),
    path("loans/<int:pk>/prepay/", views.PrepaymentPage.as_view(), name="prepay"),
    path("loans/<int:pk>/changes/new/", views.NewChange.as_view(), name="change_new"),
    path("changes/", views.ChangeList.as_view(), name="changes"),
    path("changes/waiting/", views.ChangesWaiting.as_view(), name="changes_waiting"),
    path("changes/<int:pk>/", views.ChangePage.as_view(), name="change"),
    path("changes/<int:pk>/rows/", views.ChangeRows.as_view(), name="change_rows"),
    path("changes/<int:pk>/print/", views.ChangePrint.as_view(), name="change_print"),
    path("changes/<int:pk>/evidence/", views.ChangeEvidence.as_view(), name="change_evidence"),
    path("changes/<int:pk>/decide/", views.DecideChange.as_view(), name="change_decide"),
    path("changes/<int:pk>/sign/", views.SignChange.as_view(), name="change_sign"),
    path("changes/<int:pk>/apply/", views.ApplyChange.as_view(), name="change_apply"),
    path("changes/<int:pk>/withdraw/", views.WithdrawChange.as_view(), name="change_withdraw"),
    path("changes/<int:pk>/reverse/", views.ReverseChange.as_view(), name="change_reverse"),
    path("loans/<int:pk>/payment/", views.PaymentPage.as_view(), name="payment"),
    path("pricing/", pricing.LprPage.as_view(), name="lpr"),
    path("pricing/lpr/<int:pk>/decide/", pricing.DecideLpr.as_view(), name="lpr_decide"),
    path("pricing/runs/", repricing.RunList.as_view(), name="repricing_runs"),
    path("pricing/runs/propose/", repricing.ProposeRun.as_view(), name="repricing_propose"),
    path("pricing/runs/<int:pk>/", repricing.RunPage.as_view(), name="repricing_run"),
    path("pricing/runs/<int:pk>/decide/", repricing.DecideRun.as_view(), name="repricing_decide"),
    path("pricing/runs/<int:pk>/cancel/", repricing.CancelRun.as_view(), name="repricing_cancel"),
    path("pricing/runs/<int:pk>/notices.<str:form>", repricing.Notices.as_view(), name="repricing_notices"),
    path("pricing/missed/", pricing.MissedRepricings.as_view(), name="repricing_missed"),
    path("pricing/spreads/", pricing.WideSpreads.as_view(), name="wide_spreads"),
    path("pricing/spreads.<str:form>", pricing.WideSpreadsFile.as_view(), name="wide_spreads_file"),
    path("receipts/", views.ReceiptList.as_view(), name="receipts"),
    path("receipts/files/", views.MoneyFileList.as_view(), name="files"),
    path("receipts/files/debits/", views.MakeDebits.as_view(), name="make_debits"),
    path("receipts/files/<int:pk>/", views.MoneyFilePage.as_view(), name="file"),
    path("receipts/files/<int:pk>/csv/", views.DebitDownload.as_view(), name="debit_download"),
    path("receipts/breaks/", views.BreakList.as_view(), name="breaks"),
    path("receipts/breaks/<int:pk>/", views.CloseBreak.as_view(), name="close_break"),
    path("receipts/<int:pk>/settle/", views.SettleReceipt.as_view(), name="settle_receipt"),
    path("receipts/refunds/", views.RefundList.as_view(), name="refunds"),
    path("receipts/refunds/<int:pk>/", views.RefundPage.as_view(), name="refund"),
    path("loans/<int:pk>/refund/", views.ProposeRefund.as_view(), name="propose_refund"),
    path("receipts/<int:pk>/reverse/", views.ReverseReceipt.as_view(), name="reverse_receipt"),
]

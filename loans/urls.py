"""Addresses of loan lists."""

from django.urls import path

from loans import views

app_name = "loans"
urlpatterns = [
    path("loans/", views.LoanList.as_view(), name="list"),
    path("loans/<int:pk>/contract/", views.ContractPage.as_view(), name="contract"),
    path("loans/<int:pk>/contract/schedule/", views.ContractSchedule.as_view(), name="contract_schedule"),
    path("loans/<int:pk>/postings/", views.PostingsPage.as_view(), name="postings"),
    path("loans/<int:pk>/statement/", views.StatementPage.as_view(), name="statement"),
    path("loans/<int:pk>/statement.pdf", views.StatementDocument.as_view(), name="statement_pdf"),
    path("loans/<int:pk>/statement.xlsx", views.StatementWorkbook.as_view(), name="statement_xlsx"),
    path("receipts/", views.ReceiptList.as_view(), name="receipts"),
    path("receipts/<int:pk>/reverse/", views.ReverseReceipt.as_view(), name="reverse_receipt"),
]

"""Addresses of loan lists."""

from django.urls import path

from loans import views

app_name = "loans"
urlpatterns = [
    path("loans/", views.LoanList.as_view(), name="list"),
    path("receipts/", views.ReceiptList.as_view(), name="receipts"),
    path("receipts/<int:pk>/reverse/", views.ReverseReceipt.as_view(), name="reverse_receipt"),
]

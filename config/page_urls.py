"""Addresses of the pages that show several rooms together."""

from django.urls import path

from config import (
    area_page,
    contract_page,
    dashboard,
    disclosure_page,
    event_feed_page,
    files_page,
    loan_page,
    operations,
)

urlpatterns = [
    path("dashboard/", dashboard.DashboardPage.as_view(), name="dashboard"),
    path("loans/<int:pk>/", loan_page.LoanPage.as_view(), name="loan_page"),
    path("loans/<int:pk>/schedule/", loan_page.SchedulePart.as_view(), name="loan_schedule"),
    path("loans/<int:pk>/visits/", loan_page.VisitsPart.as_view(), name="loan_visits"),
    path("loans/<int:pk>/timeline/", loan_page.TimelinePart.as_view(), name="loan_timeline"),
    path("loans/<int:pk>/reveal/", loan_page.Reveal.as_view(), name="loan_reveal"),
    path("contracts/new/", contract_page.NewContractPage.as_view(), name="contract_new"),
    path("disclosures/new/", disclosure_page.NewDisclosurePage.as_view(), name="disclosure_new"),
    path("receipts/files/new/", files_page.MoneyUpload.as_view(), name="money_upload"),
    path("areas/", area_page.AreasPage.as_view(), name="areas"),
    path("areas/<int:pk>/", area_page.AreaPage.as_view(), name="area"),
    path("events/feeds/", event_feed_page.EventFeedPage.as_view(), name="event_feed"),
    path("operations/", operations.OperationsPage.as_view(), name="operations"),
    path("operations/progress/", operations.OperationsProgress.as_view(), name="operations_progress"),
    path("operations/held/", operations.RetryHeld.as_view(), name="operations_held"),
    path("operations/retry/", operations.RetryReaction.as_view(), name="operations_retry"),
]

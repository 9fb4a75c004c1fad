"""Addresses of follow-up pages."""

from django.urls import path

from followups.views import attempts, capacity, day_plan, desk, handover, leave, policy, review, task, visit

app_name = "followups"
urlpatterns = [
    path("", desk.DeskPage.as_view(), name="desk"),
    path("tasks/assign/", desk.AssignMany.as_view(), name="assign_many"),
    path("tasks/<int:pk>/", task.TaskPage.as_view(), name="task"),
    path("tasks/<int:pk>/drawer/", task.TaskDrawer.as_view(), name="drawer"),
    path("tasks/<int:pk>/start/", task.StartVisit.as_view(), name="start"),
    path("tasks/<int:pk>/claim/", task.ClaimTask.as_view(), name="claim"),
    path("tasks/<int:pk>/assign/", task.AssignTask.as_view(), name="assign"),
    path("tasks/<int:pk>/reschedule/", task.RescheduleTask.as_view(), name="reschedule"),
    path("tasks/<int:pk>/attempt/", attempts.RecordAttempt.as_view(), name="attempt"),
    path("tasks/<int:pk>/lost/", attempts.CloseAsLost.as_view(), name="lost"),
    path("tasks/<int:pk>/field/", attempts.AskForField.as_view(), name="field"),
    path("tasks/<int:pk>/visit/", visit.VisitPage.as_view(), name="visit"),
    path("tasks/<int:pk>/visit/opinion/", visit.SignOpinion.as_view(), name="opinion"),
    path("tasks/<int:pk>/visit/draft/", visit.SaveDraft.as_view(), name="draft"),
    path("tasks/<int:pk>/visit/submit/", visit.SubmitVisit.as_view(), name="submit"),
    path("capacity/", capacity.CapacityPage.as_view(), name="capacity"),
    path("capacity/file/<slug:form>/", capacity.CapacityFile.as_view(), name="capacity_file"),
    path("day-plan/", day_plan.DayPlanPage.as_view(), name="day_plan"),
    path("hand-over/", handover.HandOverPage.as_view(), name="handover"),
    path("hand-over/<int:pk>/", handover.HandOverList.as_view(), name="handover_list"),
    path("hand-over/<int:pk>/reverse/", handover.ReverseHandOver.as_view(), name="handover_reverse"),
    path("leave/", leave.LeavePage.as_view(), name="leave"),
    path("leave/<int:pk>/end/", leave.EndLeave.as_view(), name="leave_end"),
    path("review/", review.ReviewPage.as_view(), name="review"),
    path("reports/<int:pk>/", review.ReportPage.as_view(), name="report"),
    path("reports/<int:pk>/report.pdf", review.ReportPdf.as_view(), name="report_pdf"),
    path("reports/<int:pk>/approve/", review.ApproveReport.as_view(), name="approve"),
    path("reports/<int:pk>/return/", review.ReturnReport.as_view(), name="return"),
    path("policies/follow-ups/", policy.PolicyList.as_view(), name="policies"),
    path("policies/follow-ups/<int:pk>/", policy.PolicyPage.as_view(), name="policy"),
    path("policies/follow-ups/<int:pk>/runs/<int:run>/", policy.PolicyLoans.as_view(), name="policy_loans"),
    path("policies/follow-ups/<int:pk>/runs/<int:run>.csv", policy.PolicyLoansCsv.as_view(), name="policy_loans_csv"),
]

"""Asking that a task goes to somebody else, and deciding it."""

from django.utils.translation import gettext as _

from followups.actions.reassigns import ask_to_reassign, decide_reassign
from followups.forms import visitors_of
from followups.models import VisitTask
from followups.views.task import TaskStep
from people.queries import branch_ids_visible_to


class AskToReassign(TaskStep):
    permission = "followups.record_visit"

    def step(self, task: VisitTask) -> str:
        ask_to_reassign(task_id=task.pk, reason=self.request.POST.get("reason", ""), by=self.staff, at=self.at)
        return _("已提交改派申请，待主管决定。")


class DecideReassign(TaskStep):
    permission = "followups.assign"

    def step(self, task: VisitTask) -> str:
        given = self.request.POST
        approve = given.get("verb") == "approve"
        offered = visitors_of(branch_ids_visible_to(self.staff))
        officer = offered.filter(staff_no=given.get("officer", "")[:20]).first() if approve else None
        decide_reassign(
            task_id=task.pk, approve=approve, officer=officer, note=given.get("note", ""), by=self.staff, at=self.at
        )
        if approve and officer is not None:
            return _("已改派给%(name)s。") % {"name": officer.name}
        return _("已答复：不改派，任务仍由原主办人办理。")

"""Dial and navigate: the device gets the number or the place, the screen shows neither."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from followups.actions.reach import DIAL, NAVIGATE, reach
from followups.models import VisitTask
from journal.errors import ActionRefused
from people.web import PageView, no_store


class Dial(PageView):
    """`{"href": "tel:…"}`, or `{"why": …}` with 422."""

    permission = "followups.record_visit"
    http_method_names = ["post"]
    how = DIAL

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        try:
            return no_store(JsonResponse({"href": reach(task_id=pk, how=self.how, by=self.staff, at=self.at)}))
        except VisitTask.DoesNotExist as error:
            raise Http404 from error
        except ActionRefused as refusal:
            return no_store(JsonResponse({"why": refusal.message}, status=409 if refusal.conflict else 422))


class Navigate(Dial):
    permission = "followups.record_visit"
    how = NAVIGATE

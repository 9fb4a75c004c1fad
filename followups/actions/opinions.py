"""The second visitor's own opinion: read on the same visit, signed in an own session.

It is signed over the answers as they stand; answers changed afterwards have to be signed again.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from followups.actions.corrections import require_writable
from followups.actions.refusals import NotSecondVisitor, OpinionWrong, fault_sentence
from followups.actions.tasks import add_event, locked_task, tell
from followups.actions.visits import require_version, visit_of
from followups.models import Conclusion, EventKind, SecondOpinion
from followups.queries.opinions import answers_sha256, opinion_of
from followups.rules.checklist import CONCLUSION_TEXT_LEAST, CONCLUSION_TEXT_LIMIT, text_faults
from loans.queries import require_business_date
from people.actions import require
from people.models import Staff


@transaction.atomic
def sign_opinion(*, task_id: int, version: int, conclusion: str, text: str, by: Staff, at: datetime) -> SecondOpinion:
    """Keeps the second visitor's opinion of the answers in `version`; the same words again change nothing."""
    require(by, "followups.record_visit")
    task = locked_task(task_id, by)
    require_writable(task)
    visit = visit_of(task)
    if visit.second_visitor_id != by.pk:
        raise NotSecondVisitor
    require_version(visit, version)
    words = _checked(conclusion, text)
    signed = answers_sha256(visit.draft)
    last = opinion_of(visit, by)
    if last is not None and (last.conclusion, last.text, last.answers_sha256) == (conclusion, words, signed):
        return last
    opinion = SecondOpinion.objects.create(
        visit=visit,
        by=by,
        conclusion=conclusion,
        text=words,
        answers_sha256=signed,
        at=at,
        business_date=require_business_date(),
    )
    add_event(task, EventKind.SECOND_SIGNED, by=by.staff_no, at=at, conclusion=conclusion, opinion_id=opinion.pk)
    tell(task, "followups.second_signed", by=by, at=at, opinion_id=opinion.pk, conclusion=conclusion,
         answers_sha256=signed)  # fmt: skip
    return opinion


def _checked(conclusion: str, text: str) -> str:
    if conclusion not in Conclusion.values:
        raise OpinionWrong(_("请选择本人的结论。"), field="conclusion")
    words = text.replace("\r\n", "\n").strip()
    if faults := text_faults(words, CONCLUSION_TEXT_LIMIT, lines=True):
        raise OpinionWrong(fault_sentence(faults[0]), field="text", code=faults[0])
    if conclusion != Conclusion.NO_CONCERN and len(words) < CONCLUSION_TEXT_LEAST:
        raise OpinionWrong(
            _("需关注或存在风险时，请写明意见（至少 %(least)s 个字）。") % {"least": CONCLUSION_TEXT_LEAST},
            field="text",
        )
    return words

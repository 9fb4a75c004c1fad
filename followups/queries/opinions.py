"""Opinions of second visitors: whose, over which answers, and whether the bank still waits for one."""

from collections.abc import Mapping
from typing import Any

from followups.models import SecondOpinion, Visit
from followups.rules.report import content_sha256
from people.models import Staff


def answers_sha256(draft: Mapping[str, Any]) -> str:
    """What a second visitor signs: the answers, not the lead's conclusion."""
    return content_sha256({"answers": dict(draft.get("answers") or {})})


def opinion_of(visit: Visit, second: Staff) -> SecondOpinion | None:
    """The last opinion this person signed of the visit."""
    return SecondOpinion.objects.filter(visit=visit, by=second).select_related("by").order_by("-id").first()


def opinion_shown(visit: Visit, reader: Staff) -> dict[str, Any]:
    """What the visit page shows of the second visitor: name, opinion, whether it still fits, whether to sign."""
    second = visit.second_visitor
    if second is None:
        return {}
    opinion = opinion_of(visit, second)
    is_current = opinion is not None and opinion.answers_sha256 == answers_sha256(visit.draft)
    return {"second": second, "opinion": opinion, "is_current": is_current, "is_reader": second.pk == reader.pk}

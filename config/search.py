"""What the one search field finds besides people and loan notes: a home by development and room, a task, report or
letter by its number. It stands here because a loan knows neither its home nor its visits.
"""

from django.urls import reverse

from collateral.models import Charge
from collateral.rules.home_words import home_words
from followups.models import Letter, VisitTask
from followups.rules.numbers import letter_of, task_of, visit_of_report
from loans.queries import ways
from loans.queries.ways import Loans
from loans.rules.copied import as_typed
from people.models import Staff
from people.queries import may

# So many homes are looked up beforehand, which lets the list walk its own index; more are left to the database, for
# those that one may see can be any of them.
FEW = 200


def install() -> None:
    ways.install([loans_by_task, loans_by_home], [task_page])


def loans_by_task(word: str) -> list[int] | None:
    """The loan of a task (HF…), report (HFBG…) or letter (TZ…)."""
    letter = letter_of(word)
    if letter is not None:
        return list(
            Letter.objects.filter(pk=letter[0], business_date=letter[1]).values_list("loan_id", flat=True)
        )  # fmt: skip
    task, visit = task_of(word), visit_of_report(word)
    if task is not None:
        found = VisitTask.objects.filter(pk=task[0], created_on=task[1])
    elif visit is not None:
        found = VisitTask.objects.filter(visit=visit)
    else:
        return None
    return list(found.values_list("loan_id", flat=True))


def loans_by_home(word: str) -> Loans | None:
    """Loans secured by a home of the development with the number; walks the index of three characters."""
    words = home_words(word)
    if words is None:
        return None
    found = Charge.objects.filter(property__address__contains=words.name, property__address__regex=words.pattern)
    ids = found.order_by().values_list("loan_id", flat=True)
    few = list(ids[: FEW + 1])
    return few if len(few) <= FEW else ids


def task_page(text: str, staff: Staff) -> str:
    """The page of the task that a number names."""
    task = task_of(as_typed(text))
    if task is None or not may(staff, "followups.view"):
        return ""
    seen = VisitTask.objects.visible_to(staff).filter(pk=task[0], created_on=task[1])
    return reverse("followups:task", args=[task[0]]) if seen.exists() else ""

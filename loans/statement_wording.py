"""What a movement of a statement is called."""

from django.utils.translation import gettext as _

from loans.models import PostingKind
from loans.queries.statement import Movement


def movement_words(each: Movement) -> str:
    """One line: what it was, of which installment, by which channel and serial."""
    nature = each.nature
    if nature == PostingKind.BILLING:
        words = _("第 %(number)s 期利息") % {"number": each.number}
    elif nature in (PostingKind.RECEIPT, PostingKind.REPOSTING):
        words = _("还款") + _installments(each)
    elif nature == PostingKind.OPENING:
        words = _("期初建账：本金 %(principal)s，利息 %(interest)s") % {
            "principal": f"{each.principal:,.2f}",
            "interest": f"{each.interest:,.2f}",
        }
    else:
        words = str(PostingKind(nature).label) if nature in PostingKind.values else nature
        if nature in (PostingKind.SUSPENSE_USED, PostingKind.SUBSIDY):
            words += _installments(each)
    if each.reverses_id is not None:
        words = _("冲正：%(what)s") % {"what": words}
    return words


def _installments(each: Movement) -> str:
    if each.number is None or each.last_number is None:
        return ""
    if each.number == each.last_number:
        return _("，第 %(number)s 期") % {"number": each.number}
    return _("，第 %(first)s–%(last)s 期") % {"first": each.number, "last": each.last_number}

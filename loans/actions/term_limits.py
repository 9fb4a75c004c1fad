"""How long a contract may run and when it first falls due, said of a contract that is disclosed or disbursed.

The term is what the calendar says from the disbursement to the maturity, whatever the number of installments. A first
period is no way round it: it has a longest, and where it is charged one month whatever its days (ONE_MONTH), it ends in
the month after the disbursement at the latest.
"""

from datetime import date, timedelta

from django.utils.translation import gettext as _

from loans.queries import parameter
from loans.rules.dates import months_between
from loans.rules.simulation_request import MAX_INSTALLMENTS, ONE_MONTH, Request

MOST_FIRST_PERIOD_DAYS = 92


def term_faults(request: Request, matures_on: date, *, on: date) -> dict[str, str]:
    """What speaks against term and first due date, by field; limits as of the day of signing."""
    faults: dict[str, str] = {}
    most_months = min(int(parameter("max_term_months", on, default=360)), MAX_INSTALLMENTS)
    given = months_between(request.disbursed_on, matures_on)
    if given > most_months:
        faults["terms.installments"] = _(
            "签约日允许的最长期限为 %(most)d 个月，合同自放款至到期（%(day)s）为 %(given)d 个月。"
        ) % {"most": most_months, "given": given, "day": matures_on}
    most_days = int(parameter("max_first_period_days", on, default=MOST_FIRST_PERIOD_DAYS))
    first = request.first_due_on
    if (first - request.disbursed_on).days > most_days:
        faults["terms.first_due_on"] = _("首个还款日最迟为放款后 %(most)d 天，即 %(day)s。") % {
            "most": most_days,
            "day": request.disbursed_on + timedelta(days=most_days),
        }
    elif request.first_period == ONE_MONTH and months_between(request.disbursed_on, first) > 1:
        faults["terms.first_due_on"] = _("首期按一个月计息的，首个还款日最迟在放款的次月。")
    return faults

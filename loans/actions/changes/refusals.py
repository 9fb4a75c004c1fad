"""Why a change of contract is refused; each is one sentence for the person."""

from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _

from journal.errors import ActionRefused
from loans.change_wording import sentence, stale_sentence
from loans.models import ChangeState, ContractChange
from loans.rules.change_asked import NotPossible
from loans.rules.simulation_request import Reason


class ChangeRefused(ActionRefused):
    """The contract, the bank's parameters or the engine do not allow what is asked; `code` says which."""

    code = "change_refused"


class ChangeIsStale(ActionRefused):
    """The loan is no longer what the change was simulated from."""

    code = "change_is_stale"
    conflict = True


class ChangeMoved(ActionRefused):
    """The form shows an earlier state of the change."""

    code = "change_moved"
    conflict = True


class ChangeVersionUnknown(ActionRefused):
    """The form names a version that the change never had."""

    code = "change_version_unknown"


class ChangeNotInState(ActionRefused):
    """The change is no longer, or not yet, where this can be done."""

    code = "change_not_in_state"
    conflict = True


class ChangeAlreadyOpen(ActionRefused):
    """A loan has one open change at a time."""

    code = "change_already_open"
    conflict = True


class ChangeWaits(ActionRefused):
    """The change stands, but its day, the billing of its day or the money is missing."""

    code = "change_waits"


class MakerIsNotChecker(ActionRefused):
    """Nobody decides what he proposed himself."""

    code = "maker_is_not_checker"


class ChangeAboveAuthority(ActionRefused):
    """Above the person's limit, or kept for another role."""

    code = "above_authority"


class EvidenceRefused(ActionRefused):
    """A file that is missing, too large or of another type."""

    code = "evidence_refused"


def refused(problem: NotPossible) -> ChangeRefused:
    return ChangeRefused(sentence(problem.reason), field=problem.field, code=problem.reason.code)


def stale(reasons: Iterable[Reason]) -> ChangeIsStale:
    return ChangeIsStale(stale_sentence(reasons))


def check_version(change: ContractChange, version: int) -> None:
    """ChangeMoved when the form is older than the change: who did what meanwhile.

    ChangeVersionUnknown for a version that there never was.
    """
    if not 1 <= version <= change.version:
        words = _("没有这个版本：该变更现为第 %(now)d 版。请刷新页面后再办理。") % {"now": change.version}
        raise ChangeVersionUnknown(words, field="version")
    if change.version != version:
        raise ChangeMoved(_("该变更已被他人处理：%(what)s。请刷新后再办理。") % {"what": last_step(change)})


def check_state(change: ContractChange, *states: ChangeState) -> None:
    """ChangeNotInState unless the change is in one of the states."""
    if change.state not in states:
        raise ChangeNotInState(_("该变更%(what)s，不能再办理此项。") % {"what": last_step(change)})


def last_step(change: ContractChange) -> str:
    """What happened to a change last, with who and when where a person did it."""
    state = str(ChangeState(change.state).label)
    if change.decided_by is not None and change.decided_at is not None and change.state in ("APPROVED", "REJECTED"):
        when = timezone.localtime(change.decided_at).strftime("%Y-%m-%d %H:%M")
        word = _("批准") if change.state == "APPROVED" else _("驳回")
        return _("已由%(who)s于 %(when)s %(word)s") % {"who": change.decided_by.name, "when": when, "word": word}
    return _("现为“%(state)s”") % {"state": state}

"""Changes of contract: preview, propose, decide by authority, sign, apply, withdraw, reverse.

Everything that may be asked is in one object (`loans.models.ContractChange`); what the engine gave when it was proposed
is what is approved and what is applied, verbatim.
"""

from loans.actions.changes.apply import apply_change
from loans.actions.changes.decide import decide_change, sign_change, withdraw_change
from loans.actions.changes.documents import NoEvidence, take_evidence, take_print
from loans.actions.changes.preview import ChangePreview, Figures, preview_change, preview_of
from loans.actions.changes.propose import propose_change
from loans.actions.changes.refusals import (
    ChangeAboveAuthority,
    ChangeAlreadyOpen,
    ChangeIsStale,
    ChangeMoved,
    ChangeNotInState,
    ChangeRefused,
    ChangeVersionUnknown,
    ChangeWaits,
    EvidenceRefused,
    MakerIsNotChecker,
)
from loans.actions.changes.reverse import reverse_change

__all__ = [
    "ChangeAboveAuthority",
    "ChangeAlreadyOpen",
    "ChangeIsStale",
    "ChangeMoved",
    "ChangeNotInState",
    "ChangePreview",
    "ChangeRefused",
    "ChangeVersionUnknown",
    "ChangeWaits",
    "EvidenceRefused",
    "Figures",
    "MakerIsNotChecker",
    "NoEvidence",
    "apply_change",
    "decide_change",
    "preview_change",
    "preview_of",
    "propose_change",
    "reverse_change",
    "sign_change",
    "take_evidence",
    "take_print",
    "withdraw_change",
]

"""Tables of a loan: the wide contract row, hardly ever written, and the narrow servicing row.

`Position` is the lock of everything under a loan and carries what is hot. Bulk tables carry a
loan id without a database foreign key to the wide row (an FK trebles inserts); `check_invariants`
proves that there are no orphans. Postings and ledger lines are append-only; ledger lines are
partitioned by month in the migration. Days past due are derived, never stored.
"""

from loans.models.bank import BusinessDate, ImportBatch, Parameter, Workday
from loans.models.changes import ChangeKind, ChangeState, ContractChange
from loans.models.contract import (
    Combination,
    ContractParameter,
    Loan,
    LoanQuerySet,
    Pricing,
    PricingAnchor,
    PricingKind,
    Product,
    RepaymentMethod,
    Subsidy,
    Terms,
    TermsSource,
)
from loans.models.disclosure import CostDisclosure, CostItem, CostKind, DisclosureState
from loans.models.figures import DaysBand, Figure, FormerBranch, GeneralAccount, GeneralLine
from loans.models.files import (
    BreakState,
    DebitInstruction,
    DebitResult,
    MoneyFile,
    MoneyFileKind,
    MoneyReturn,
    ReceiptBreak,
    ReturnState,
)
from loans.models.ledger import Account, LedgerLine, Posting, PostingKind, Receipt, ReceiptState
from loans.models.pricing import LprRate, RepricingItem, RepricingRun, RepricingState, Tenor
from loans.models.servicing import Fee, FiveClass, Installment, Position, Refund, RefundState

__all__ = [
    "Account",
    "BreakState",
    "BusinessDate",
    "ChangeKind",
    "ChangeState",
    "Combination",
    "ContractChange",
    "ContractParameter",
    "CostDisclosure",
    "CostItem",
    "CostKind",
    "DisclosureState",
    "DaysBand",
    "DebitInstruction",
    "DebitResult",
    "Fee",
    "Figure",
    "FiveClass",
    "FormerBranch",
    "GeneralAccount",
    "GeneralLine",
    "ImportBatch",
    "Installment",
    "LedgerLine",
    "Loan",
    "LoanQuerySet",
    "LprRate",
    "MoneyFile",
    "MoneyFileKind",
    "MoneyReturn",
    "Parameter",
    "Position",
    "Posting",
    "PostingKind",
    "Pricing",
    "PricingAnchor",
    "PricingKind",
    "Product",
    "Receipt",
    "ReceiptBreak",
    "ReceiptState",
    "Refund",
    "RefundState",
    "RepaymentMethod",
    "RepricingItem",
    "RepricingRun",
    "RepricingState",
    "ReturnState",
    "Subsidy",
    "Tenor",
    "Terms",
    "TermsSource",
    "Workday",
]

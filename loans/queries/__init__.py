"""Reads of loans; what may be seen starts from `visible_to(staff)`."""

from loans.queries.accounts import contract_parameters
from loans.queries.bank import (
    NoBusinessDate,
    ParameterMissing,
    business_date,
    calendar,
    hold_business_date,
    lock_positions,
    open_business_date,
    overdue_grace_days,
    parameter,
    require_business_date,
)
from loans.queries.charges import (
    AllocationPreview,
    AllocationRow,
    InstallmentOwed,
    Owed,
    allocation_preview,
    charges_owed,
    owed_by,
)
from loans.queries.loans import (
    FutureRow,
    LoanFacts,
    LoanReads,
    future_schedule,
    installments_of,
    loan_facts,
    payment_of,
    reads_of,
)
from loans.queries.terms import LoanTerms, terms_of

__all__ = [
    "AllocationPreview",
    "AllocationRow",
    "FutureRow",
    "InstallmentOwed",
    "LoanFacts",
    "LoanReads",
    "LoanTerms",
    "NoBusinessDate",
    "Owed",
    "ParameterMissing",
    "allocation_preview",
    "business_date",
    "calendar",
    "charges_owed",
    "contract_parameters",
    "future_schedule",
    "hold_business_date",
    "installments_of",
    "loan_facts",
    "lock_positions",
    "open_business_date",
    "overdue_grace_days",
    "owed_by",
    "parameter",
    "payment_of",
    "reads_of",
    "require_business_date",
    "terms_of",
]

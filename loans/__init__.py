"""Loans: contract, terms, position, billed installments, ledger, receipts, business date, calendar."""

"""Damage to the bank of `tests.rich_bank`: the claim that must find it, and the statement that does it.

`<quiet>` stands for the id of that loan.
"""

# ruff: noqa: E501, S608 - statements are read better whole; they are joined from constants of this module only.
Damage = tuple[str, str]

LINES = "UPDATE loans_ledger_line SET "
LATE_RECEIPT = "(SELECT id FROM loans_receipt WHERE loan_id = <late> LIMIT 1)"
LATE_POSTING = "(SELECT id FROM loans_posting WHERE loan_id = <late> AND kind = 'RECEIPT' LIMIT 1)"
FIRST_PAID = "(SELECT id FROM loans_installment WHERE loan_id = <late> AND settled_on IS NOT NULL ORDER BY 1 LIMIT 1)"

LEDGER: tuple[Damage, ...] = (
    ("posting_sums_to_zero", LINES + "amount = amount + 1 WHERE loan_id = <quiet> AND account = 'CASH'"),
    ("ledger_sums_to_zero", LINES + "amount = amount + 1 WHERE loan_id = <quiet> AND account = 'CASH'"),
    ("posting_has_its_lines", "DELETE FROM loans_ledger_line WHERE loan_id = <quiet> AND line = 2"),
    ("posting_has_its_lines", "DELETE FROM loans_posting WHERE loan_id = <quiet> AND kind = 'BILLING'"),
    ("posting_has_its_lines", LINES + "loan_id = <back> WHERE loan_id = <quiet> AND account = 'CASH'"),
    ("posting_moves_its_accounts", LINES + "account = 'WAIVER' WHERE loan_id = <quiet> AND account = 'INTEREST_INCOME'"),
    ("posting_moves_its_accounts", LINES + "amount = -amount WHERE loan_id = <feed> AND posting_id IN "
     "(SELECT id FROM loans_posting WHERE kind = 'FEE')"),
    ("reversal_undoes_its_original", LINES + "account = 'CASH' WHERE loan_id = <turned> AND account = 'SUSPENSE' AND "
     "posting_id IN (SELECT id FROM loans_posting WHERE kind = 'REVERSAL')"),
    ("reversal_undoes_its_original", "UPDATE loans_posting SET value_on = value_on - 1 WHERE kind = 'REVERSAL'"),
    ("reversal_undoes_its_original", "UPDATE loans_posting SET reverses_id = NULL WHERE kind = 'REVERSAL'"),
    ("posting_is_reversed_once", "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, "
     "receipt_id, reverses_id) SELECT loan_id, kind, value_on, business_date, booked_at, receipt_id, reverses_id "
     "FROM loans_posting WHERE kind = 'REVERSAL' LIMIT 1"),
    ("reposting_takes_a_reversals_place", "UPDATE loans_posting SET after_reversal_id = NULL WHERE kind = 'REPOSTING'"),
    ("closed_totals_are_the_ledgers", "UPDATE loans_businessdate SET totals = jsonb_set(totals, '{principal}', '\"1.00\"')"
     " WHERE day = '2026-12-20'"),
    ("closed_totals_are_the_ledgers", "UPDATE loans_businessdate SET totals = jsonb_set(totals, '{branches}', '{}') "
     "WHERE day = '2026-12-20'"),
    ("closed_totals_are_the_ledgers", "UPDATE loans_loan SET branch_id = (SELECT min(id) FROM people_branch) "
     "WHERE id = <quiet>"),
    ("nothing_is_posted_ahead", "UPDATE loans_posting SET business_date = '2030-01-01' WHERE id = " + LATE_POSTING),
    ("nothing_is_posted_ahead", "UPDATE loans_posting SET value_on = business_date + 1 WHERE id = " + LATE_POSTING),
    ("nothing_is_posted_into_a_closed_date", "UPDATE loans_posting SET booked_at = now() + interval '9 years' "
     "WHERE id = " + LATE_POSTING),
    ("nothing_is_posted_into_a_closed_date", "UPDATE loans_posting SET business_date = '2026-12-01' WHERE id = "
     + LATE_POSTING),
    ("nothing_is_posted_before_the_loan", "UPDATE loans_posting SET value_on = '2026-01-01' WHERE id = " + LATE_POSTING),
    ("loan_begins_once", "DELETE FROM loans_posting WHERE loan_id = <quiet> AND kind = 'OPENING'"),
    ("loan_begins_once", "UPDATE loans_posting SET kind = 'OPENING' WHERE loan_id = <new> AND kind = 'DISBURSEMENT'"),
)  # fmt: skip

BALANCES: tuple[Damage, ...] = (
    ("balance_is_the_ledgers", "UPDATE loans_position SET principal_balance = 1 WHERE loan_id = <quiet>"),
    ("balance_is_the_ledgers", "UPDATE loans_position SET suspense = suspense + 1 WHERE loan_id = <ahead>"),
    ("balance_is_the_ledgers", "UPDATE loans_position SET fees_due = 99 WHERE loan_id = <feed>"),
    ("balance_is_the_ledgers", "UPDATE loans_position SET off_balance_interest = 1 WHERE loan_id = <slow>"),
    ("balance_is_the_ledgers", "DELETE FROM loans_posting WHERE loan_id = <slow> AND kind = 'NON_ACCRUAL';"
     "DELETE FROM loans_ledger_line WHERE loan_id = <slow> AND account IN ('INTEREST_OFF_BALANCE')"),
    ("balance_is_unbilled_and_unpaid", "UPDATE loans_position SET unbilled_principal = 1 WHERE loan_id = <quiet>"),
    ("balance_is_unbilled_and_unpaid", "UPDATE loans_position SET principal_balance = 5 WHERE loan_id = <lost>"),
    ("paid_is_the_ledgers", "UPDATE loans_installment SET penalty_paid = 1 WHERE loan_id = <quiet>"),
    ("paid_is_the_ledgers", "UPDATE loans_installment SET principal_paid = 0, settled_on = NULL WHERE id = " + FIRST_PAID),
    ("paid_is_the_ledgers", "DELETE FROM loans_installment WHERE id = " + FIRST_PAID),
    ("charges_are_of_installments", LINES + "installment_number = NULL WHERE loan_id = <late> AND account = 'PRINCIPAL' "
     "AND amount < 0"),
    ("installments_are_complete", "DELETE FROM loans_installment WHERE id = " + FIRST_PAID),
    ("installments_are_complete", "UPDATE loans_installment SET due_on = '2030-01-01' WHERE id = " + FIRST_PAID),
    ("billing_is_posted", "DELETE FROM loans_ledger_line WHERE loan_id = <quiet> AND account = 'INTEREST_RECEIVABLE' "
     "AND amount > 0"),
    ("billing_is_posted", "UPDATE loans_installment SET interest = interest + 1 WHERE loan_id = <quiet>"),
    ("settled_installment_is_paid", "UPDATE loans_installment SET settled_on = NULL WHERE id = " + FIRST_PAID),
    ("settled_installment_is_paid", "UPDATE loans_installment SET settled_on = due_on WHERE loan_id = <slow>"),
    ("settled_loan_owes_nothing", "UPDATE loans_position SET settled_on = NULL WHERE loan_id = <gone>"),
    ("settled_loan_owes_nothing", "UPDATE loans_position SET settled_on = '2026-12-20' WHERE loan_id = <claim>"),
    ("settled_loan_owes_nothing", "UPDATE loans_position SET fees_due = 1 WHERE loan_id = <gone>"),
    ("oldest_is_paid_first", "UPDATE loans_installment SET principal_paid = 1 WHERE loan_id = <slow> AND number = "
     "(SELECT max(number) FROM loans_installment WHERE loan_id = <slow>)"),
    ("suspense_pays_what_is_billed", "UPDATE loans_position SET suspense = 5 WHERE loan_id = <slow>"),
    ("off_balance_is_the_unpaid_interest", "UPDATE loans_position SET off_balance_interest = 0 WHERE loan_id = <claim>"),
    ("written_off_is_posted", "UPDATE loans_position SET written_off_on = NULL WHERE loan_id = <lost>"),
    ("written_off_is_posted", "UPDATE loans_position SET accelerated_on = NULL WHERE loan_id = <claim>"),
)  # fmt: skip

SIGNED: tuple[Damage, ...] = (
    ("schedule_repays_the_principal", "UPDATE loans_terms SET principal_fen[1] = principal_fen[1] + 1 "
     "WHERE loan_id = <quiet>"),
    ("schedule_repays_the_principal", "UPDATE loans_terms SET interest_fen = interest_fen[2:] WHERE loan_id = <quiet>"),
    ("terms_are_their_hash", "UPDATE loans_terms SET interest_fen[300] = interest_fen[300] + 1 WHERE loan_id = <quiet>"),
    ("terms_are_their_hash", "UPDATE loans_terms SET schedule_sha256 = repeat('0', 64) WHERE loan_id = <quiet>"),
    ("terms_are_their_hash", "UPDATE loans_loan SET due_day = 5 WHERE id = <quiet>"),
    ("terms_are_their_hash", "UPDATE loans_loan SET matures_on = matures_on + 31 WHERE id = <quiet>"),
    ("terms_are_their_hash", "UPDATE loans_terms SET request = jsonb_set(request, '{due_day}', '5') WHERE loan_id = <new>"),
    ("terms_follow_one_another", "DELETE FROM loans_terms WHERE loan_id = <undone> AND version = 2"),
    ("terms_have_their_source", "UPDATE loans_terms SET source_id = 987 WHERE loan_id = <ahead> AND version = 2"),
    ("installment_is_as_signed", "UPDATE loans_installment SET principal = principal + 1 WHERE loan_id = <quiet>"),
    ("unbilled_is_the_rest_of_the_schedule", "UPDATE loans_position SET next_number = next_number + 1 "
     "WHERE loan_id = <quiet>"),
    ("unbilled_is_the_rest_of_the_schedule", "UPDATE loans_position SET next_due_on = NULL WHERE loan_id = <quiet>"),
    ("principal_goes_on", "UPDATE loans_terms SET principal = principal + 1 WHERE loan_id = <ahead> AND version = 2"),
    ("rate_is_within_its_limits", "UPDATE loans_terms SET annual_rate_percent = 'NaN' WHERE loan_id = <quiet>"),
    ("rate_is_within_its_limits", "UPDATE loans_terms SET annual_rate_percent = 25 WHERE loan_id = <new>"),
    ("rate_is_within_its_limits", "UPDATE loans_position SET annual_rate_percent = 1 WHERE loan_id = <quiet>"),
    ("loan_has_position_and_terms", "DELETE FROM loans_position WHERE loan_id = <quiet>"),
    ("loan_has_position_and_terms", "DELETE FROM loans_terms WHERE loan_id = <quiet>"),
    ("pricing_has_no_gap", "UPDATE loans_pricing SET in_force = daterange(lower(in_force), '2030-01-01') "
     "WHERE loan_id = <quiet>"),
    ("pricing_has_no_gap", "INSERT INTO loans_pricing (loan_id, in_force, kind, tenor, spread_bp, anchor, source) "
     "SELECT loan_id, daterange('2026-12-25', NULL), 'FIXED', '', 0, '', '' FROM loans_pricing WHERE loan_id = <quiet>"),
    ("agreed_values_do_not_overlap", "INSERT INTO loans_parameter (code, value, in_force, source) "
     "SELECT code, value, in_force, source FROM loans_parameter WHERE code = 'grace_days'"),
)  # fmt: skip

MONEY: tuple[Damage, ...] = (
    ("serial_is_once", "UPDATE loans_receipt SET serial = '1'"),
    ("receipt_posts_once", "UPDATE loans_receipt SET loan_id = NULL WHERE id = " + LATE_RECEIPT),
    ("receipt_posts_once", "UPDATE loans_receipt SET state = 'WAITING' WHERE id = " + LATE_RECEIPT),
    ("receipt_posts_once", "UPDATE loans_receipt SET amount = amount + 1 WHERE id = " + LATE_RECEIPT),
    ("receipt_posts_once", "UPDATE loans_receipt SET value_on = value_on - 1 WHERE id = " + LATE_RECEIPT),
    ("receipt_posts_once", "UPDATE loans_receipt SET posted_on = NULL WHERE id = " + LATE_RECEIPT),
    ("receipt_posts_once", "DELETE FROM loans_posting WHERE id = " + LATE_POSTING),
    ("receipt_posts_once", "UPDATE loans_receipt SET state = 'POSTED', reversed_on = NULL WHERE state = 'REVERSED'"),
    ("receipt_posts_once", "INSERT INTO loans_posting (loan_id, kind, value_on, business_date, booked_at, receipt_id) "
     "SELECT loan_id, kind, value_on, business_date, booked_at, receipt_id FROM loans_posting WHERE id = " + LATE_POSTING),
    ("posting_has_its_receipt", "DELETE FROM loans_receipt WHERE id = " + LATE_RECEIPT),
    ("posting_has_its_receipt", "UPDATE loans_posting SET receipt_id = NULL WHERE id = " + LATE_POSTING),
    ("posting_has_its_receipt", "UPDATE loans_receipt SET loan_id = NULL WHERE id = " + LATE_RECEIPT),
    ("nothing_waits_past_its_day", "UPDATE loans_receipt SET state = 'WAITING' WHERE id = " + LATE_RECEIPT),
    ("allocation_sums_to_the_receipt", LINES + "amount = amount - 1 WHERE loan_id = <late> AND account = 'PRINCIPAL' "
     "AND amount < 0"),
    ("ledger_is_what_receipts_mean", LINES + "account = 'PRINCIPAL' WHERE loan_id = <late> AND account = "
     "'INTEREST_RECEIVABLE' AND amount < 0"),
    ("ledger_is_what_receipts_mean", "UPDATE loans_receipt SET amount = amount + 1 WHERE id = " + LATE_RECEIPT),
    ("suspense_used_stands_by_itself", LINES + "amount = amount * 100 WHERE account = 'SUSPENSE' AND amount > 0"),
    ("fee_is_the_ledgers", "UPDATE loans_fee SET amount = amount + 1 WHERE code = 'COPY'"),
    ("fee_is_the_ledgers", "DELETE FROM loans_fee WHERE code = 'POST'"),
    ("fee_is_the_ledgers", "UPDATE loans_fee SET settled_on = '2026-12-21' WHERE code = 'COPY'"),
    ("fee_is_on_its_disclosure", "UPDATE loans_fee SET loan_id = <new> WHERE code = 'COPY'"),
    ("refund_is_posted", "UPDATE loans_refund SET amount = amount + 1"),
    ("refund_is_posted", "DELETE FROM loans_refund WHERE true"),
    ("refund_is_posted", "UPDATE loans_refund SET decided_by_id = proposed_by_id"),
    ("subsidy_bears_its_interest", "UPDATE loans_posting SET source_id = 987 WHERE kind = 'SUBSIDY'"),
)  # fmt: skip

DECIDED: tuple[Damage, ...] = (
    ("applied_change_has_its_terms", "DELETE FROM loans_terms WHERE loan_id = <ahead> AND version = 2"),
    ("applied_change_has_its_terms", "UPDATE loans_terms SET interest_fen[9] = 1 WHERE loan_id = <mild> AND version = 2"),
    ("applied_change_has_its_terms", "DELETE FROM loans_terms WHERE loan_id = <undone> AND version = 3"),
    ("terms_are_their_hash", "UPDATE loans_loan SET matures_on = matures_on + 1 WHERE id = <mild>"),
    ("contract_is_as_changed", "UPDATE loans_loan SET due_day = 5 WHERE id = <undone>"),
    ("contract_is_as_changed", "UPDATE loans_loan SET repayment_method = 'INTEREST_ONLY' WHERE id = <mild>"),
    ("change_took_its_money", "DELETE FROM loans_posting WHERE loan_id = <ahead> AND kind = 'PREPAYMENT'"),
    ("change_took_its_money", "UPDATE loans_posting SET source_id = NULL WHERE kind = 'WRITE_OFF'"),
    ("change_took_its_money", "UPDATE loans_contractchange SET state = 'APPLIED' WHERE loan_id = <undone>"),
    ("change_maker_is_not_checker", "UPDATE loans_contractchange SET decided_by_id = proposed_by_id "
     "WHERE loan_id = <ahead>"),
    ("change_maker_is_not_checker", "UPDATE loans_contractchange SET decided_by_id = NULL WHERE loan_id = <ahead>"),
    ("change_maker_is_not_checker", "UPDATE loans_repricingrun SET decided_by_id = proposed_by_id"),
    ("change_maker_is_not_checker", "UPDATE loans_lprrate SET approved_by_id = proposed_by_id "
     "WHERE proposed_by_id IS NOT NULL"),
    ("change_goes_its_way", "UPDATE loans_contractchange SET applied_on = NULL WHERE loan_id = <ahead>"),
    ("change_goes_its_way", "UPDATE loans_contractchange SET signed_on = NULL WHERE loan_id = <ahead>"),
    ("applied_change_has_its_entry", "DELETE FROM journal_entry WHERE kind = 'loans.change_applied'"),
    ("change_is_its_hash", "UPDATE loans_contractchange SET result = jsonb_set(result, '{taken}', '\"1.00\"') "
     "WHERE loan_id = <ahead>"),
    ("change_is_its_hash", "UPDATE loans_contractchange SET asked = '{}' WHERE loan_id = <ahead>"),
    ("disclosure_is_its_hash", "UPDATE loans_costdisclosure SET content = jsonb_set(content, '{number}', '\"X\"')"),
    ("disclosure_is_its_hash", "DELETE FROM loans_costitem WHERE kind = 'INTEREST'"),
    ("repricing_is_its_hash", "UPDATE loans_repricingitem SET new_installment = new_installment + 1"),
    ("repriced_item_has_its_terms", "UPDATE loans_repricingitem SET schedule_sha256 = repeat('0', 64)"),
    ("repriced_item_has_its_terms", "DELETE FROM loans_terms WHERE source = 'REPRICING'"),
    ("repricing_was_approved", "UPDATE loans_repricingrun SET state = 'PROPOSED', decided_by_id = NULL"),
    ("repricing_was_approved", "UPDATE loans_repricingitem SET spread_bp = spread_bp + 1"),
)  # fmt: skip

EVENINGS: tuple[Damage, ...] = (
    ("business_dates_are_consecutive", "DELETE FROM loans_businessdate WHERE day = '2026-12-25'"),
    ("business_dates_are_consecutive", "UPDATE loans_businessdate SET is_open = true WHERE day = '2026-12-25'"),
    ("closed_date_ran_every_stage", "DELETE FROM journal_run WHERE business_date = '2026-12-25' AND stage = 'bill'"),
    ("closed_date_ran_every_stage", "UPDATE journal_run SET counts = jsonb_set(counts, '{last}', 'false') "
     "WHERE business_date = '2026-12-25' AND stage = 'bill'"),
    ("chunk_has_its_entry", "DELETE FROM journal_entry WHERE kind = 'day_end.chunk_done' AND business_date = '2026-12-20' "
     "AND data ->> 'stage' = 'bill'"),
    ("chunk_has_its_entry", "DELETE FROM journal_run WHERE business_date = '2026-12-20' AND stage = 'bill'"),
    ("close_has_its_entry", "DELETE FROM journal_entry WHERE kind = 'loans.date_closed' AND business_date = '2026-12-20'"),
    ("overdue_since_is_the_oldest_recognised", "UPDATE loans_position SET overdue_since = NULL WHERE loan_id = <slow>"),
    ("class_is_that_of_days_past_due", "UPDATE loans_position SET five_class = 'PASS' WHERE loan_id = <slow>"),
    ("floor_is_an_observations", "UPDATE loans_position SET class_floor = '' WHERE loan_id = <mild>"),
    ("floor_is_an_observations", "UPDATE loans_position SET class_floor = 'LOSS' WHERE loan_id = <quiet>"),
    ("settled_loan_has_its_entry", "DELETE FROM journal_entry WHERE kind = 'loans.settled'"),
    ("overdue_has_its_entry", "UPDATE loans_position SET overdue_since = NULL WHERE loan_id = <slow>"),
    ("overdue_has_its_entry", "DELETE FROM journal_entry WHERE kind IN ('loans.overdue_cured', 'loans.overdue_began')"),
    ("class_has_its_entry", "UPDATE loans_position SET five_class = 'DOUBTFUL' WHERE loan_id = <claim>"),
    ("nothing_due_is_unbilled", "UPDATE loans_position SET next_due_on = '2026-12-25' WHERE loan_id = <quiet>"),
    ("held_back_loans_are_named", "INSERT INTO journal_heldback (stage, subject_id, reason, since, attempts) "
     "VALUES ('bill', 98765, '', '2026-12-25', 1)"),
    ("no_orphans", "DELETE FROM loans_loan WHERE id = <quiet>"),
    ("no_orphans", "UPDATE followups_visittask SET loan_id = 98765"),
    ("no_orphans", "UPDATE loans_fee SET loan_id = 98765"),
    ("task_has_its_events", "DELETE FROM followups_taskevent WHERE kind = 'PLANNED'"),
    ("task_has_its_events", "DELETE FROM followups_taskevent WHERE kind IN ('CANCELLED', 'CLOSED')"),
    ("open_loan_has_a_next_task", "DELETE FROM followups_visittask WHERE loan_id = <quiet>"),
    ("task_is_once", "INSERT INTO followups_visittask (loan_id, branch_id, kind, rule, cycle, is_light, method, level, "
     "opens_on, due_on, state, is_pinned, reason, policy_version, policy_line, created_on, outcome, version) SELECT "
     "loan_id, branch_id, kind, rule, cycle, is_light, method, level, opens_on, due_on, state, is_pinned, reason, "
     "policy_version, policy_line, created_on, outcome, version FROM followups_visittask WHERE loan_id = <quiet>"),
    ("ended_task_has_outcome", "UPDATE followups_visittask SET outcome = 'PAID' WHERE closed_on IS NULL"),
    ("one_grade_in_force", "UPDATE risk_grade SET loan_id = <quiet>"),
)  # fmt: skip

NUMBERS: tuple[Damage, ...] = (
    ("amount_is_a_number", "UPDATE loans_position SET suspense = 'NaN' WHERE loan_id = <quiet>"),
    ("amount_is_a_number", "UPDATE loans_installment SET principal_paid = 'NaN' WHERE loan_id = <quiet>"),
    ("amount_is_a_number", "UPDATE loans_receipt SET amount = 'NaN' WHERE id = " + LATE_RECEIPT),
    ("limits_are_in_force", "UPDATE loans_fee SET amount = 0"),
    ("file_is_its_hash", "UPDATE journal_exhibit SET sha256 = repeat('0', 64)"),
)  # fmt: skip

REBUILT: tuple[Damage, ...] = tuple(
    ("rows_are_their_history", statement)
    for statement in (
        "UPDATE loans_position SET accelerated_on = '2026-12-20' WHERE loan_id = <quiet>",
        "UPDATE loans_position SET next_due_on = next_due_on + 1 WHERE loan_id = <quiet>",
        "UPDATE loans_position SET settled_on = settled_on + 1 WHERE loan_id = <gone>",
        "UPDATE loans_position SET overdue_since = overdue_since - 1 WHERE loan_id = <slow>",
        "UPDATE loans_position SET five_class = 'LOSS' WHERE loan_id = <slow>",
        "UPDATE loans_installment SET settled_on = settled_on + 1 WHERE id = " + FIRST_PAID,
        "UPDATE loans_installment SET overdue_from = overdue_from + 1 WHERE loan_id = <slow>",
        "UPDATE loans_installment SET late_interest_units = late_interest_units + 1 WHERE loan_id = <late>",
        "UPDATE loans_installment SET penalty_left = penalty_left + 1 WHERE loan_id = <late>",
        "UPDATE loans_fee SET paid = paid - 1 WHERE code = 'COPY'",
    )
)  # fmt: skip

BOOK: tuple[Damage, ...] = tuple(
    ("figures_are_the_loans", statement)
    for statement in (
        "UPDATE loans_figure SET principal = principal + 1 WHERE business_date = '2026-12-20' AND days_band = 0",
        "UPDATE loans_figure SET loans = loans + 1 WHERE business_date = '2026-12-20' AND days_band = 0",
        "DELETE FROM loans_figure WHERE business_date = '2026-12-20'",
        "UPDATE loans_figure SET five_class = 'LOSS' WHERE business_date = '2027-01-03' AND days_band = 0",
        "UPDATE loans_figure SET days_band = 1 WHERE business_date = '2027-01-03' AND days_band = 91",
    )
)

GENERAL: tuple[Damage, ...] = tuple(
    ("general_lines_are_the_accrued_interest", statement)
    for statement in (
        "UPDATE loans_general_line SET amount = amount + 1 WHERE id = (SELECT max(id) FROM loans_general_line)",
        "DELETE FROM loans_general_line WHERE business_date = (SELECT max(business_date) FROM loans_general_line)",
        "UPDATE loans_businessdate SET totals = totals - 'accrued' WHERE day = '2026-12-20'",
    )
)

MESSAGES: tuple[Damage, ...] = (
    ("message_has_its_loan", "UPDATE correspondence_message SET loan_id = loan_id + 99000"),
    ("message_is_once", "INSERT INTO correspondence_message (loan_id, kind, about, step, amount, channel, template_version, "
     "business_date, not_before, expires_on) SELECT loan_id, kind, about, step, amount, channel, template_version, "
     "business_date, not_before, expires_on FROM correspondence_message"),
    ("waiting_message_stands", "UPDATE correspondence_message SET about = about - 1 WHERE state = 'WAITING'"),
    ("message_has_its_wording", "UPDATE correspondence_message SET template_version = 9"),
    ("message_has_its_wording", "UPDATE correspondence_template SET checker = '', checked_at = NULL"),
    ("unwanted_borrower_is_not_told", "INSERT INTO correspondence_contactpreference (party_id, channel, ground, heard, "
     "reason, business_date, recorded_by_id, recorded_at) SELECT l.borrower_id, 'SMS', 'ASKED', 'PHONE', 'said so', "
     "'2026-12-20', (SELECT min(id) FROM people_staff), now() FROM loans_loan l"),
    ("wording_is_its_hash", "UPDATE correspondence_template SET text = text || '!' WHERE kind = 'DUE'"),
    ("wording_is_its_hash", "UPDATE correspondence_template SET in_force = daterange(lower(in_force) + 1, NULL)"),
    ("each_reminder_has_its_wording", "UPDATE correspondence_template SET checker = maker WHERE kind = 'OVERDUE'"),
    ("each_reminder_has_its_wording", "UPDATE correspondence_template SET in_force = daterange('2000-01-01', '2026-12-30') "
     "WHERE kind = 'DUE'"),
)  # fmt: skip

ALL = LEDGER + BALANCES + SIGNED + MONEY + DECIDED + EVENINGS + NUMBERS + REBUILT + BOOK + GENERAL + MESSAGES

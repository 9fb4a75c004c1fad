-- The money of a day. Of what falls due 97.5 % comes in full, 1 % in part, 0.5 % with a prepayment, 0.1 % pays off the
-- balance; of the loans in arrears 5 % pay all that they owe. What is too much goes into suspense, as from any channel.

-- The installment of a day by the signed terms, also when it is not billed yet.
-- name: paid
SELECT loan_id, loan_note_no, CASE
    WHEN dice < 975 THEN amount WHEN dice < 985 THEN round(amount * 0.4, 2)
    WHEN dice < 990 THEN amount + 50000 ELSE principal_balance + amount END AS amount
FROM (
    SELECT p.loan_id, l.loan_note_no, (t.principal_fen[k.n] + t.interest_fen[k.n]) / 100.0 AS amount,
           p.principal_balance, k.dice
    FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
    JOIN LATERAL (SELECT * FROM loans_terms s WHERE s.loan_id = p.loan_id ORDER BY s.version DESC LIMIT 1) t ON true,
    LATERAL (SELECT p.next_number - t.first_number + 1 + (extract(year FROM %(day)s::date) * 12
                 + extract(month FROM %(day)s::date) - extract(year FROM p.next_due_on) * 12
                 - extract(month FROM p.next_due_on))::int AS n,
             book_dice(p.loan_id, %(seed)s + to_char(%(day)s::date, 'J')::bigint) %% 1000 AS dice) k
    WHERE l.due_day = extract(day FROM %(day)s::date) AND p.next_due_on <= %(day)s AND p.overdue_since IS NULL
      AND k.n <= t.installments
) due WHERE dice < 991
UNION ALL
SELECT p.loan_id, l.loan_note_no, round(sum(i.principal - i.principal_paid + i.interest - i.interest_paid) * 1.1, 2)
FROM loans_position p JOIN loans_loan l ON l.id = p.loan_id
JOIN loans_installment i ON i.loan_id = p.loan_id AND i.settled_on IS NULL
WHERE p.overdue_since IS NOT NULL AND p.next_due_on IS DISTINCT FROM %(day)s
  AND book_dice(p.loan_id, %(seed)s + to_char(%(day)s::date, 'J')::bigint) %% 1000 < 50 GROUP BY 1, 2
ORDER BY 1

-- name: waiting
INSERT INTO loans_receipt (channel, serial, loan_ref, loan_id, amount, value_on, state, received_at, resolution)
SELECT 'AUTO_DEBIT', 'D' || to_char(%(day)s::date, 'YYYYMMDD') || loan_id, loan_note_no, loan_id, amount, %(day)s,
       'WAITING', %(day)s::date - interval '8 hours', ''
FROM ({paid}) paid

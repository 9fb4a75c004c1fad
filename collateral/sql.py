"""SQL that the rooms above join: what else a loan's homes secure."""

# Loan → balances of the other loans charged on the same homes. The value of a home bears them all (抵质押率 = secured
# balances ÷ value), whichever rank they have; only combination loans share a home.
BESIDE = """
beside AS (
    SELECT other.loan_id, sum(q.principal_balance) AS balance FROM (
        SELECT DISTINCT c.loan_id, d.loan_id AS beside_id
          FROM collateral_charge c
          JOIN collateral_charge d ON d.property_id = c.property_id AND d.loan_id <> c.loan_id
         WHERE c.loan_id = ANY(%(ids)s)) other
      JOIN loans_position q ON q.loan_id = other.beside_id
     GROUP BY other.loan_id
)
"""

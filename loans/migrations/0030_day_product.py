"""What a day adds to a loan's interest stands with its position, so that a close multiplies integers and no decimals."""

from django.db import migrations

# In a 720 millionth of a fen: twice the unbilled principal in fen times the rate in ppm (loans.rules.accrual). Null from
# 100 million yuan on, where 400 days of it would not fit, and for what the constraints of the row refuse afterwards.
ADD = """
ALTER TABLE loans_position ADD COLUMN day_product bigint GENERATED ALWAYS AS (
    CASE WHEN unbilled_principal >= 0 AND unbilled_principal < 100000000
              AND coalesce(accrual_rate_percent, annual_rate_percent) BETWEEN 0 AND 100
         THEN 2 * (unbilled_principal * 100)::bigint
              * (coalesce(accrual_rate_percent, annual_rate_percent) * 10000)::bigint END) STORED
"""


class Migration(migrations.Migration):
    dependencies = [("loans", "0029_approver")]

    operations = [migrations.RunSQL(ADD, "ALTER TABLE loans_position DROP COLUMN day_product")]

"""post_receipts FILE: posts a CSV of receipts (docs/receipts.md)."""

from config.management.take_in_file import TakeInFile
from loans.models import MoneyFileKind


class Command(TakeInFile):
    help = "Posts receipts from a CSV. Exit 0 also with refused rows, 2 when the file itself is refused."
    kind = MoneyFileKind.RECEIPTS
    columns = "loan,amount,value_on,channel,serial"

"""post_debits FILE: takes in the core bank's answers to a file of debits (docs/receipts.md)."""

from config.management.take_in_file import TakeInFile
from loans.models import MoneyFileKind


class Command(TakeInFile):
    help = "Takes in answers to debits from a CSV. Exit 0 also with breaks, 2 when the file itself is refused."
    kind = MoneyFileKind.DEBITS_BACK
    columns = "serial,result,paid,value_on,core_serial,reason, then a control line"

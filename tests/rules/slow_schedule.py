"""The conventions of the engine once more, slowly: fractions, and every day looked at by itself.

Written from the conventions and not from the engine, for comparing the two. It reads the JSON of a
request and knows no fixed installment. `slow(request)` gives (rows, prepayments) in fen.
"""

from calendar import isleap, monthrange
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

Row = tuple[int, str, int, int, int]
Paid = tuple[str, int, int, int]


def half_up(amount: Fraction) -> int:
    return int(amount + Fraction(1, 2))


def fen(text: str) -> int:
    return int(Fraction(text) * 100)


def month_later(day: date, anchor: int) -> date:
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(anchor, monthrange(year, month)[1]))


def days_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]


class Slow:
    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.start = date.fromisoformat(request["disbursed_on"])
        first = request.get("first_due_on")
        self.anchor = anchor = request.get("due_day") or (date.fromisoformat(first) if first else self.start).day
        self.days = [date.fromisoformat(first) if first else month_later(self.start, anchor)]
        while len(self.days) < request["installments"]:
            self.days.append(month_later(self.days[-1], anchor))
        self.count = request.get("day_count", "30/360")
        self.changes = {date.fromisoformat(one["effective_on"]): one for one in request.get("rate_changes", [])}
        self.prepayments = {date.fromisoformat(one["paid_on"]): one for one in request.get("prepayments", [])}
        self.paused = set()
        for pause in request.get("interest_pauses", []):
            day = date.fromisoformat(pause["from"])
            while day <= date.fromisoformat(pause["to"]):
                self.paused.add(day)
                day += timedelta(days=1)
        self.grace = request.get("principal_grace_installments", 0)
        self.rate = Fraction(request["annual_rate_percent"]) / 100
        self.balance, self.last = fen(request["principal"]), request["installments"]
        self.waiting: tuple[date, Fraction] | None = None
        self.rows: list[Row] = []
        self.paid: list[Paid] = []
        self.agreed = self.agree(1)

    def period(self, number: int) -> list[date]:
        first = self.days[number - 2] if number > 1 else self.start
        return [first + timedelta(days=n) for n in range((self.days[number - 1] - first).days)]

    def share(self, number: int) -> Fraction:
        """Part of a year that the whole period is charged."""
        days = self.period(number)
        named = self.request.get("first_period") if number == 1 else None
        if named == "BY_DAYS":
            return Fraction(len(days), 360)
        if named == "MONTH_PLUS_DAYS":
            # 28 February stands for the 29th to the 31st where these are the due day.
            is_due_day = self.start == date(self.start.year, self.start.month, min(self.anchor, days_of(self.start)))
            month_ends = month_later(self.start, self.anchor if is_due_day else self.start.day)
            beyond = [day for day in days if day >= month_ends]
            return Fraction(1, 12) + Fraction(len(beyond), 360)
        if named == "ONE_MONTH" or self.count == "30/360":
            return Fraction(1, 12)
        if self.count == "ACT/ACT":
            return sum((Fraction(1, 366 if isleap(day.year) else 365) for day in days), Fraction(0))
        return Fraction(len(days), int(self.count[4:]))

    def reckoned(self, number: int) -> Fraction:
        return Fraction(1, 12) if self.count == "30/360" else self.share(number)

    def agree(self, number: int) -> int:
        """Installment (or its principal part) from a row on."""
        rows = range(max(number, self.grace + 1), self.last + 1)
        if self.request["method"] == "INTEREST_ONLY":
            return 0
        if self.request["method"] == "EQUAL_PRINCIPAL":
            return half_up(Fraction(self.balance, len(rows)))
        worth, factor = Fraction(0), Fraction(1)
        for row in rows:
            factor /= 1 + self.rate * self.reckoned(row)
            worth += factor
        exact, rounding = self.balance / worth, self.request.get("installment_rounding", "FEN")
        if rounding == "FEN":
            return half_up(exact)
        return 100 * (half_up(exact / 100) if rounding == "YUAN_HALF_UP" else -int(-exact // 100))

    def rows_left(self, number: int) -> int:
        balance, count = self.balance, 0
        while balance:
            principal = self.principal(number + count, balance, balance * self.rate, self.share, Fraction(1))
            balance, count = balance - principal, count + 1
        return count

    def principal(self, number: int, balance: int, yearly: Fraction, share: Any, free: Fraction) -> int:
        if number == self.last:
            return balance
        if number <= self.grace or self.request["method"] == "INTEREST_ONLY":
            return 0
        if self.request["method"] == "EQUAL_PRINCIPAL":
            return min(self.agreed, balance)
        is_broken = number == 1 and self.share(1) != self.reckoned(1)
        reckoned = self.reckoned(number) if is_broken else share(number) * free
        return max(0, min(balance, self.agreed - half_up(yearly * reckoned)))

    def prepay(self, number: int, day: date, bearing: list[tuple[date, Fraction]]) -> None:
        one = self.prepayments[day]
        amount = fen(one["amount"])
        parts = [sum(d not in self.paused for d, r in bearing if r == rate) for rate in self.in_turn(bearing)]
        own = sum(half_up(amount * r * n / 360) for r, n in zip(self.in_turn(bearing), parts, strict=True))
        self.balance -= amount
        self.paid.append((day.isoformat(), amount, own, self.balance))
        if not self.balance:
            return
        if one["effect"] == "LOWER_INSTALLMENT":
            self.agreed = self.agree(number)
        elif self.request["method"] != "INTEREST_ONLY":
            self.last = number - 1 + self.rows_left(number)

    @staticmethod
    def in_turn(bearing: list[tuple[date, Fraction]]) -> list[Fraction]:
        return list(dict.fromkeys(rate for _day, rate in bearing))

    def reprice(self, number: int, rate: Fraction) -> None:
        self.rate = rate
        if self.request["method"] == "EQUAL_INSTALLMENT":
            self.agreed = self.agree(number)

    def run(self) -> tuple[list[Row], list[Paid]]:
        number = 1
        while self.balance and number <= self.last:
            self.row(number)
            number += 1
        return self.rows, self.paid

    def row(self, number: int) -> None:
        days = self.period(number)
        bearing: list[tuple[date, Fraction]] = []
        kinds: set[str] = set()
        for day in days:
            if day == days[0] and self.waiting and day not in self.changes:
                self.reprice(number, self.waiting[1])
            if day == days[0]:
                self.waiting = None
            if day in self.changes:
                one = self.changes[day]
                rate, variant = Fraction(one["annual_rate_percent"]) / 100, one.get("variant", "SPLIT_BY_DAYS")
                if day != days[0] and variant == "NEXT_PERIOD":
                    self.waiting = day, rate
                else:
                    self.waiting = None
                    self.reprice(number, rate)
                    kinds |= {variant} if day != days[0] else set()
            if day in self.prepayments:
                self.prepay(number, day, bearing)
                if day == days[0] and self.rows:
                    self.rows[-1] = (*self.rows[-1][:4], self.balance)
                if not self.balance:
                    return
            bearing.append((day, self.rate))
        self.rows.append(self.due(number, bearing, kinds))
        self.balance = self.rows[-1][4]

    def due(self, number: int, bearing: list[tuple[date, Fraction]], kinds: set[str]) -> Row:
        yearly, whole = self.balance * self.rate, Fraction(1)
        free = Fraction(sum(day not in self.paused for day, _rate in bearing), len(bearing))
        if kinds:
            a_day = Fraction(1, 360) if kinds == {"SPLIT_BY_DAYS"} else Fraction(1, 12 * len(bearing))
            counted = {rate: sum(d not in self.paused for d, r in bearing if r == rate) for _day, rate in bearing}
            interest = sum(half_up(self.balance * rate * a_day * days) for rate, days in counted.items())
            principal = self.principal(number, self.balance, yearly, self.reckoned, whole)
        else:
            interest = half_up(yearly * self.share(number) * free)
            principal = self.principal(number, self.balance, yearly, self.share, free)
        return number, self.days[number - 1].isoformat(), principal, interest, self.balance - principal


def slow(request: dict[str, Any]) -> tuple[list[Row], list[Paid]]:
    """Rows and prepayments of a request, in fen."""
    return Slow(request).run()

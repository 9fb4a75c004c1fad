"""Requests for the engine as the tests write them: a plain contract and what differs from it."""

from typing import Any

from loans.rules.simulation import Errors, as_json, parse_request, simulate

PLAIN = {
    "principal": "1000000.00",
    "annual_rate_percent": "3.60",
    "installments": 360,
    "method": "EQUAL_INSTALLMENT",
    "disbursed_on": "2026-01-20",
}
EVENTS = {
    "rate_change": ("rate_changes", ("effective_on", "annual_rate_percent", "variant")),
    "prepayment": ("prepayments", ("paid_on", "amount", "effect")),
    "interest_pause": ("interest_pauses", ("from", "to")),
}
WHOLE = {"installments", "due_day", "principal_grace_installments"}


def asked(text: str) -> dict[str, Any]:
    """A request from the words of a worked example: `due_day 20; rate_change 2026-01-01 3.20`."""
    request: dict[str, Any] = dict(PLAIN)
    for part in filter(None, map(str.strip, text.split(";"))):
        name, *words = part.split()
        if name in EVENTS:
            place, keys = EVENTS[name]
            request.setdefault(place, []).append(dict(zip(keys, words, strict=False)))
        else:
            request[name] = int(words[0]) if name in WHOLE else words[0]
    return request


def response(request: dict[str, Any]) -> Any:
    """The engine's response as JSON; the request must be a good one."""
    parsed = parse_request(request)
    assert not isinstance(parsed, dict), parsed
    return as_json(simulate(parsed))


def contract(**changed: Any) -> dict[str, Any]:
    """The plain contract with other fields; None leaves a field out."""
    return {name: value for name, value in {**PLAIN, **changed}.items() if value is not None}


def codes(errors: Errors) -> dict[str, list[str]]:
    """Reasons by their codes."""
    return {name: [reason.code for reason in reasons] for name, reasons in errors.items()}

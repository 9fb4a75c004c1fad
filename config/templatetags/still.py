"""`trans` and `url` of Django, answered once where the answer cannot change: fixed words a language, fixed addresses.

A page holds about a hundred of them, and looked up each time they are a seventh of what it takes.
"""

from django import template
from django.template.base import FilterExpression, Node, Parser, Token, Variable
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.templatetags.i18n import TranslateNode, do_translate
from django.utils.translation import get_language

from config.addresses import address

register = template.Library()


class FixedWords(Node):
    """Words that stand in the template themselves, in each language as Django gives them."""

    def __init__(self, asked: TranslateNode) -> None:
        self._asked = asked
        self._known: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        found = self._known.get(language)
        if found is None:
            found = self._known[language] = self._asked.render(context)
        return found


class FixedAddress(Node):
    """The address of a page that takes no arguments."""

    def __init__(self, name: str) -> None:
        self._name = name

    def render(self, context: Context) -> str:
        return address(self._name)


@register.tag("trans")
@register.tag("translate")
def translate(parser: Parser, token: Token) -> Node:
    """Django's own tag, remembered where it says fixed words."""
    asked = do_translate(parser, token)
    said = asked.filter_expression
    is_fixed = isinstance(said.var, Variable) and said.var.literal is not None and not said.filters
    context = asked.message_context
    is_fixed = is_fixed and (context is None or _literal(context) is not None)
    return FixedWords(asked) if is_fixed and not asked.asvar else asked


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """Django's own tag, remembered where it names a page that takes no arguments."""
    asked: URLNode = django_url(parser, token)
    name = _literal(asked.view_name)
    return asked if name is None or asked.args or asked.kwargs or asked.asvar else FixedAddress(name)


def _literal(said: FilterExpression) -> str | None:
    """What stands in quotes, and nothing is done with."""
    return str(said.var) if isinstance(said.var, str) and not said.filters else None

"""Fixed words and addresses of templates are remembered, and only those."""

import pytest
from django.template import Context, engines
from django.urls import reverse
from django.utils.translation import override

from config.templatetags.still import FixedAddress, FixedWords


def _nodes(source: str, kind: type) -> list[object]:
    return list(engines["django"].from_string(source).template.nodelist.get_nodes_by_type(kind))


def _said(source: str, **values: object) -> str:
    return engines["django"].from_string(source).template.render(Context(values))


def test_fixed_words_are_said_in_the_language_of_each_request() -> None:
    template = engines["django"].from_string('{% trans "贷款" %}').template
    assert _nodes('{% trans "贷款" %}', FixedWords)
    for language, wanted in (("zh-hans", "贷款"), ("en", "Loans"), ("zh-hans", "贷款"), ("en", "Loans")):
        with override(language):
            assert template.render(Context()) == wanted


def test_words_of_a_context_and_percent_signs_are_those_of_django() -> None:
    with override("en"):
        assert _said('{% trans "预警" context "one" %}') == _said('{% translate "预警" context "one" %}')
        assert _said('{% trans "预警" context "one" %}') != _said('{% trans "预警" context "nowhere said" %}')
        assert _said('{% trans "100%" %}') == "100%"


@pytest.mark.parametrize(
    "source", ["{% trans words %}", '{% trans "贷款"|lower %}', '{% trans "贷款" as kept %}{{ kept }}']
)
def test_what_is_not_fixed_is_asked_each_time(source: str) -> None:
    assert not _nodes(source, FixedWords)
    with override("en"):
        assert _said(source, words="贷款") in {"Loans", "loans", "贷款"}
        assert _said(source, words="<b>") != "<b>"


def test_addresses_without_arguments_are_remembered_and_others_are_not() -> None:
    assert _nodes("{% url 'loans:list' %}", FixedAddress)
    assert _said("{% url 'loans:list' %}") == reverse("loans:list")
    for source in ("{% url 'loans:detail' 7 %}", "{% url name %}", "{% url 'loans:list' as kept %}{{ kept }}"):
        assert not _nodes(source, FixedAddress)
    assert _said("{% url name %}", name="loans:list") == reverse("loans:list")

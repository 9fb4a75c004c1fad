"""The visit's page while it is scrolled: what stays in view, and what a system fact says of itself."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site

pytestmark = pytest.mark.browser
TOP = "document.querySelector('#effects').getBoundingClientRect().top"


def begun(site: Site, open_as: Callable[..., Any], width: int) -> Any:
    page = open_as("officer", width=width, height=640)
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")
    return page


def test_ratios_and_signals_stay_in_view(site: Site, open_as: Callable[..., Any]) -> None:
    page = begun(site, open_as, 1440)
    before = page.evaluate(TOP)
    page.evaluate("window.scrollTo(0, 700)")
    page.wait_for_function("window.scrollY > 640")
    strip = page.evaluate("document.querySelector('.vstrip').getBoundingClientRect().bottom")
    assert 90 < strip < before and abs(page.evaluate(TOP) - strip) <= 1
    expect(page.locator("#effects")).to_be_in_viewport(ratio=0.8)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_system_fact_says_where_and_when_it_was_read(site: Site, open_as: Callable[..., Any], width: int) -> None:
    page = begun(site, open_as, width)
    page.evaluate("document.querySelector('.answers').classList.remove('one-at-a-time')")
    source = page.locator("#i-property_value .how")
    expect(source).to_be_visible()
    expect(source).to_contain_text("评估")
    expect(source.locator("a")).to_have_attribute("href", f"/loans/{site.loans['clean']}/#collateral")
    assert page.evaluate("document.documentElement.scrollWidth") <= width

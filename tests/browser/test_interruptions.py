"""What goes wrong while somebody writes: the session ends, the line drops. The text stays, and the page says so."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.factories import PASSWORD

pytestmark = pytest.mark.browser


def visit_page(site: Site, page: Any) -> None:
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/")
    page.click("text=开始回访")
    page.wait_for_selector("#visit-form")


def test_a_session_that_ended_loses_nothing_and_signing_in_elsewhere_heals_it(
    site: Site, open_as: Callable[..., Any]
) -> None:
    page = open_as("officer")
    visit_page(site, page)
    page.context.clear_cookies(name="sessionid")
    page.fill("textarea[name=conclusion_text]", "登录过期时写的")
    expect(page.locator("#fault")).to_contain_text("登录已过期")
    expect(page.locator("#saved")).to_have_text("未保存")
    other = page.context.new_page()
    other.goto(f"{site.url}/sign-in/")
    other.fill("form.enter input[name=username]", site.staff["officer"])
    other.fill("form.enter input[name=password]", PASSWORD)
    other.click("form.enter button[type=submit]")
    other.wait_for_url(f"{site.url}/")
    page.fill("textarea[name=conclusion_text]", "登录过期时写的，还在")
    expect(page.locator("#saved")).to_contain_text("已保存")
    page.reload()
    expect(page.locator("textarea[name=conclusion_text]")).to_have_value("登录过期时写的，还在")


def test_off_line_is_said_and_saved_when_the_line_is_back(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    visit_page(site, page)
    page.context.set_offline(True)
    page.fill("textarea[name=conclusion_text]", "断网时写的")
    expect(page.locator("#saved")).to_contain_text("离线")
    page.context.set_offline(False)
    expect(page.locator("#saved")).to_contain_text("已保存", timeout=15000)
    page.reload()
    expect(page.locator("textarea[name=conclusion_text]")).to_have_value("断网时写的")


def test_pages_read_without_scripts(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    state = page.context.storage_state()
    plain = page.context.browser.new_context(java_script_enabled=False, storage_state=state, locale="zh-CN").new_page()
    plain.goto(f"{site.url}/?task={site.tasks['clean']}")
    assert site.names["clean"] in plain.inner_text("#drawer")
    plain.click(f"#drawer form[action='/tasks/{site.tasks['clean']}/start/'] button")
    plain.wait_for_url(f"{site.url}/tasks/{site.tasks['clean']}/visit/")
    plain.fill("textarea[name=conclusion_text]", "没有脚本也能提交")
    plain.click("footer.submit button[data-preview]")
    assert "还缺" in plain.inner_text("#lock-line")
    assert plain.input_value("textarea[name=conclusion_text]") == "没有脚本也能提交"

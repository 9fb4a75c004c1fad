"""What goes wrong while somebody writes: the session ends, the line drops. The text stays, and the page says so."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Site
from tests.browser.test_road import answer_clean
from tests.factories import PASSWORD
from tests.pictures import jpeg, scene

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
    expect(page.locator("#saved")).to_contain_text("未保存，本机留存")
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


def local_copies(page: Any) -> int:
    found: int = page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('anju draft')).length")
    return found


# S2.14
def test_what_a_lost_session_kept_is_offered_after_signing_in_and_gone_after_submitting(
    site: Site, open_as: Callable[..., Any]
) -> None:
    page = open_as("officer")
    visit_page(site, page)
    page.context.clear_cookies(name="sessionid")
    page.fill("textarea[name=conclusion_text]", "登录过期时写的")
    expect(page.locator("#fault")).to_contain_text("登录已过期")
    page.reload()
    page.wait_for_url("**/sign-in/**")
    page.fill("form.enter input[name=username]", site.staff["officer"])
    page.fill("form.enter input[name=password]", PASSWORD)
    page.click("form.enter button[type=submit]")
    page.wait_for_selector("#visit-form")
    expect(page.locator("textarea[name=conclusion_text]")).to_have_value("")
    expect(page.locator("#offer")).to_contain_text("未同步的内容")
    page.click("[data-restore]")
    expect(page.locator("textarea[name=conclusion_text]")).to_have_value("登录过期时写的")
    expect(page.locator("#saved")).to_contain_text("已保存")
    expect(page.locator("#version")).to_have_value("2")
    page.wait_for_function("!Object.keys(localStorage).some(name => name.startsWith('anju draft'))")
    answer_clean(page)
    expect(page.locator("#missing")).to_contain_text("已齐")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#preview[open] [data-submit]:enabled")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/tasks/\d+/$"))
    assert local_copies(page) == 0


def test_a_copy_is_offered_to_nobody_else_and_may_be_thrown_away(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer")
    visit_page(site, page)
    # Only the saving fails: back on line, a page that is being left may still save, and then nothing is to be offered.
    page.route("**/draft/", lambda route: route.abort())
    page.fill("textarea[name=conclusion_text]", "断网时写的")
    expect(page.locator("#saved")).to_contain_text("离线，待同步，本机留存")
    key = page.evaluate("Object.keys(localStorage).find(name => name.startsWith('anju draft'))")
    assert key.split(" ")[2:] == [site.staff["officer"], str(site.tasks["clean"])]
    page.goto("about:blank")
    page.unroute("**/draft/")
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/visit/")
    expect(page.locator("#offer")).to_be_visible()
    page.click("[data-discard]")
    expect(page.locator("#offer")).to_be_hidden()
    assert local_copies(page) == 0
    assert page.input_value("textarea[name=conclusion_text]") == ""


def kept_copy(page: Any) -> str:
    """What lies on the machine, once the page says that it does."""
    expect(page.locator("#saved")).to_contain_text("本机留存")
    page.wait_for_function("Object.keys(localStorage).some(name => name.startsWith('anju draft'))")
    found: str = page.evaluate("localStorage[Object.keys(localStorage).find(name => name.startsWith('anju draft'))]")
    return found


# S2.25
def test_what_lies_on_the_machine_cannot_be_read_and_is_noise_after_signing_out(
    site: Site, open_as: Callable[..., Any]
) -> None:
    page = open_as("officer")
    visit_page(site, page)
    page.route("**/draft/", lambda route: route.abort())
    page.fill("textarea[name=conclusion_text]", "SECRET 断网时写的")
    copy = kept_copy(page)
    assert "SECRET" not in copy and "断网" not in copy and sorted(json.loads(copy)) == ["at", "data", "iv"]
    assert page.evaluate("document.getElementById('visit-form').dataset.key") is None
    key = page.evaluate("Object.keys(localStorage).find(name => name.startsWith('anju draft'))")
    page.goto(f"{site.url}/")
    page.click("details.menu summary")
    page.click("form[data-signs-out] button")
    page.wait_for_url("**/sign-in/**")
    assert local_copies(page) == 0
    assert "anju_machine" not in {cookie["name"] for cookie in page.context.cookies()}
    # Somebody saved the copy beside it and brings it back: there is no key any more.
    page.evaluate("([name, copy]) => localStorage.setItem(name, copy)", [key, copy])
    page.fill("form.enter input[name=username]", site.staff["officer"])
    page.fill("form.enter input[name=password]", PASSWORD)
    page.click("form.enter button[type=submit]")
    page.wait_for_url(f"{site.url}/")
    page.goto(f"{site.url}/tasks/{site.tasks['clean']}/visit/")
    page.wait_for_function("!Object.keys(localStorage).some(name => name.startsWith('anju draft'))")
    expect(page.locator("#offer")).to_be_hidden()
    assert page.input_value("textarea[name=conclusion_text]") == ""


def test_a_photo_is_added_where_one_stands_and_what_is_typed_stays(site: Site, open_as: Callable[..., Any]) -> None:
    page = open_as("officer", width=390, height=844)
    visit_page(site, page)
    page.locator(".sections a").last.click()
    page.fill("textarea[name=conclusion_text]", "照片之前写的")
    page.set_input_files("#files input[type=file]", {"name": "门牌.jpg", "mimeType": "image/jpeg", "buffer": jpeg()})
    expect(page.locator("#files")).to_contain_text("门牌.jpg")
    page.set_input_files("#files input[type=file]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"MZ"})
    expect(page.locator("#files .fault")).to_contain_text("按内容判断")
    assert page.input_value("textarea[name=conclusion_text]") == "照片之前写的"
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


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


def test_a_position_is_kept_only_once_the_borrower_has_agreed(site: Site, open_as: Callable[..., Any]) -> None:
    place = {"latitude": 30.583611, "longitude": 114.3, "accuracy": 12}
    page = open_as("officer", geolocation=place, permissions=["geolocation"])
    visit_page(site, page)
    photo = {"name": "门牌.jpg", "mimeType": "image/jpeg", "buffer": scene(1)}
    page.set_input_files("#files input[type=file]", photo)
    expect(page.locator("#files")).to_contain_text("门牌.jpg")
    expect(page.locator("#files .thumb")).to_have_js_property("complete", True)
    assert page.evaluate("document.querySelector('#files .thumb').naturalWidth") == 320
    assert "位置 ±" not in page.inner_text("#files ul")
    page.check("#files [data-place]")
    expect(page.locator("#files [data-place-said]")).to_contain_text("±12")
    page.set_input_files("#files input[type=file]", {**photo, "name": "楼栋.jpg", "buffer": scene(2)})
    expect(page.locator("#files ul")).to_contain_text("位置 ±12 米")
    assert page.is_checked("#files [data-place]")


def test_a_request_and_a_section_are_opened_without_losing_what_is_typed(
    site: Site, open_as: Callable[..., Any]
) -> None:
    page = open_as("officer")
    visit_page(site, page)
    page.fill("textarea[name=conclusion_text]", "客户想延期")
    page.click("#requests button[value=DEFERRAL]")
    page.wait_for_url("**/visit/#i-request_note")
    expect(page.locator("#requests button[value=DEFERRAL]")).to_have_class("on")
    assert page.input_value("textarea[name=conclusion_text]") == "客户想延期"
    expect(page.locator("#offer")).to_be_hidden()
    page.click("#requests button[value=DUE_DAY]")
    expect(page.locator("#requests button[value=DUE_DAY]")).to_have_class("on")
    page.click(".sections details.more summary")
    page.click(".sections details.more button[value=fund_use]")
    page.wait_for_url("**/visit/#s-fund_use")
    expect(page.locator("#s-fund_use")).to_be_visible()
    assert page.input_value("textarea[name=conclusion_text]") == "客户想延期"

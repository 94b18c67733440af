"""The command centre in a real browser: desk and phone, light and dark, keyboard only, without scripts, and while publications come.

Skips, saying so, where Chromium or its driver is missing. Whether everybody can use a page `make test` asks of one of desk and phone, `make hold` of both. Accessibility is judged by axe-core (WCAG 2.1 A and AA).
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "integration"))
from center_server import serving, simulated_home
from effort import IS_HOLD
from small_desk import PUBLISHED

from opsla_dagster.center import rendering
from opsla_dagster.settings import Settings
from opsla_dagster.warehouse.publish import publish

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars")
DESK, PHONE = (1280, 900), (390, 844)
PAGES = ["/", "/queues", "/open", "/promises", "/what-if?target.desk.first_touch=4h&days=7", "/cases", "/flow?days=14", "/forecast?heads=10", "/ownership", "/risk", "/staffing?promise=first_resolution&heads=-20", "/quality", "/case?id=C20250703-000001", "/cases?queue=nobody"]

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return simulated_home(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def center(desk: Settings) -> Iterator[str]:
    with serving(desk) as address:
        yield address


@pytest.fixture(scope="module")
def axe() -> str:
    package = importlib.util.find_spec("selenium_axe_python")
    assert package is not None
    assert package.origin is not None
    return (Path(package.origin).parent / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(autouse=True)
def screen(browser: Any) -> Callable[..., None]:
    """Sets the screen; every test begins at a desk's, in light."""

    def chosen(size: tuple[int, int] = DESK, scheme: str = "light") -> None:
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    chosen()
    return chosen


def until(condition: Callable[[], object], what: str, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def parameters(browser: Any) -> dict[str, list[str]]:
    return parse_qs(urlsplit(browser.current_url).query)


def told(browser: Any, selector: str) -> str:
    return str(browser.find_element("css selector", selector).text)


def number(text: str) -> int:
    found = re.search(r"[\d,]+", text)
    assert found is not None, text
    return int(found[0].replace(",", ""))


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_every_page_can_be_used_by_everybody(browser: Any, center: str, axe: str, screen: Callable[..., None], size: tuple[int, int], scheme: str) -> None:
    screen(size, scheme)
    browser.get_log("browser")
    for path in PAGES if IS_HOLD else PAGES[size == PHONE :: 2]:
        browser.get(center + path)
        browser.execute_script(axe)
        found = browser.execute_async_script(
            "const done = arguments[0]; axe.run({resultTypes: ['violations'], elementRef: false, runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']}).then(found => done(found.violations.map("
            "each => [each.id, each.nodes.slice(0, 3).map(node => node.html)])));"
        )
        assert found == [], path
        wide, page = browser.execute_script("return [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert wide <= page, f"{path}: {wide} in {page}"
    # A page that is not there says so in the log too.
    assert [entry["message"] for entry in browser.get_log("browser") if "queue=nobody" not in entry["message"]] == []


def test_the_slider_goes_back_in_time(browser: Any, center: str) -> None:
    browser.get(center + "/")
    assert "Now is" in told(browser, ".instant .shown")
    slider = browser.find_element("css selector", ".instant input[type=range]")
    place = slider.rect
    webdriver.ActionChains(browser).move_to_element(slider).click_and_hold().move_by_offset(-int(place["width"] / 8), 0).release().perform()
    until(lambda: "at" in parameters(browser), "the slider shows nothing else")
    assert "As the log knows today, at" in told(browser, ".instant .shown")
    [at] = parameters(browser)["at"]
    assert browser.find_element("css selector", ".instant input[type=datetime-local]").get_attribute("value") == at
    # What is open then goes along to every page.
    browser.find_element("link text", "Open cases").click()
    assert parameters(browser)["at"][0].startswith("2025-07-")
    browser.find_element("link text", "Back to now").click()
    assert parameters(browser) == {}


def test_a_figure_leads_to_its_cases_and_a_case_to_its_explanation(browser: Any, center: str) -> None:
    browser.get(center + "/?at=2025-07-10T15:00")
    for key, what in (("breached_open_cases", "past due"), ("open_cases", "open")):
        figure = browser.find_element("css selector", f"#figure-{key} .value a")
        count = number(figure.text)
        assert count, what
        figure.click()
        assert number(told(browser, ".total")) == count
        browser.back()
    browser.find_element("css selector", "#figure-breached_open_cases .value a").click()
    first = browser.find_element("css selector", "table.grid tbody th a")
    case_id = first.text
    first.click()
    assert told(browser, "h1") == f"Case {case_id}"
    assert "breached" in told(browser, ".explained")
    assert browser.find_elements("css selector", ".explained svg rect.counted")


def test_a_cell_of_ages_leads_to_its_cases(browser: Any, center: str) -> None:
    browser.get(center + "/?at=2025-07-10T15:00")
    cell = browser.find_element("css selector", ".ages td a")
    count = number(cell.text)
    cell.click()
    assert number(told(browser, ".total")) == count
    assert {"priority", "age"} <= parameters(browser).keys()


def test_a_queue_has_its_own_screen(browser: Any, center: str) -> None:
    browser.get(center + "/?at=2025-07-10T15:00")
    row = browser.find_element("css selector", "section[aria-labelledby=by_queue] tbody tr")
    queue, opened = row.find_element("css selector", "th a"), number(row.find_element("css selector", "td[data-label=Open]").text)
    name = queue.text
    queue.click()
    assert told(browser, ".standing h1").startswith(f"{name}: ")
    assert number(told(browser, "#figure-open_cases .value")) == opened


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_how_the_desk_stands_is_said_in_two_lines_and_the_rest_is_a_click_away(browser: Any, center: str, screen: Callable[..., None], size: tuple[int, int]) -> None:
    screen(size)
    browser.get(center + "/?at=2025-07-11T15:00")
    said = browser.find_element("css selector", ".standing .said")
    assert len(said.text.splitlines()) == 2
    assert said.size["height"] < 2 * 30
    said.find_element("css selector", "summary").click()
    assert "Without new cases: " in said.text


def test_a_phone_has_fewer_cards_and_a_link_to_all(browser: Any, center: str, screen: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "CARDS_SHOWN", 2)

    def shown() -> tuple[int, int]:
        rows = browser.find_elements("css selector", "section[aria-labelledby=next] tbody tr")
        return sum(row.is_displayed() for row in rows), len(rows)

    browser.get(center + "/?at=2025-07-10T12:00")
    on_desk, rows = shown()
    assert on_desk == rows > 4
    assert not browser.find_element("css selector", ".on-phone").is_displayed()
    screen(PHONE)
    assert shown() == (2, rows)
    browser.find_element("css selector", "section[aria-labelledby=next] .on-phone a").click()
    assert shown() == (rows, rows)


def test_the_list_of_open_cases_is_cards_on_a_phone(browser: Any, center: str, screen: Callable[..., None]) -> None:
    """With all that is told of a case, and every row of the page: the next page goes on where this one ends."""
    screen(PHONE)
    browser.get(center + "/open?at=2025-07-08T15:20")
    rows = browser.find_elements("css selector", "section[aria-labelledby=open_cases] tbody tr")
    assert len(rows) > 10
    assert all(row.is_displayed() for row in rows)
    cells = [cell.rect for cell in rows[0].find_elements("css selector", "th, td") if cell.is_displayed()]
    assert len(cells) > 4
    assert all(cell["x"] >= 0 and cell["x"] + cell["width"] <= PHONE[0] for cell in cells)


def test_what_if_is_asked_with_a_form_and_kept_in_the_address(browser: Any, center: str) -> None:
    browser.get(center + "/promises")
    browser.find_element("link text", "What would other targets have done?").click()
    field = browser.find_element("name", "target.desk.first_touch")
    assert field.get_attribute("value") == "2h"
    field.clear()
    field.send_keys("1h")
    Select(browser.find_element("name", "days")).select_by_value("7")
    browser.find_element("xpath", "//button[text()='Compare']").click()
    until(lambda: parameters(browser).get("target.desk.first_touch") == ["1h"], "the address holds what was asked")
    changed = told(browser, "section[aria-labelledby=changes] tbody")
    assert "met" in changed
    assert "breached" in changed
    browser.find_element("css selector", "section[aria-labelledby=changed_cases] tbody th a").click()
    assert told(browser, "h1").startswith("Case C2025")


def test_a_slider_of_staffing_asks_when_it_is_let_go_of(browser: Any, center: str) -> None:
    browser.get(center + "/staffing?promise=first_resolution")  # its plan explains the weeks of this desk; where one does not, there is no slider
    assert told(browser, "h1") == "Staffing"
    slider = browser.find_element("css selector", ".what-if .lever:has([name=heads]) input[type=range]")
    webdriver.ActionChains(browser).move_to_element(slider).click_and_hold().move_by_offset(-int(slider.rect["width"] / 8), 0).release().perform()
    until(lambda: "heads" in parameters(browser), "the address holds what was asked")
    assert told(browser, "main [role=status]").startswith(f"With heads {parameters(browser)['heads'][0]}%: ")
    assert list(parameters(browser)) == ["promise", "heads"], "what is not changed is not in the address"
    assert "what if" in told(browser, "section[aria-labelledby=rosters] tbody")
    browser.find_element("link text", "As planned").click()
    until(lambda: "heads" not in parameters(browser), "and nothing else afterwards")


def test_the_keyboard_alone_is_enough(browser: Any, center: str) -> None:
    def focus() -> Any:
        return browser.switch_to.active_element

    def press(*keys: str) -> None:
        webdriver.ActionChains(browser).send_keys(*keys).perform()

    browser.get(center + "/")
    press(Keys.TAB)
    assert focus().text == "Skip to the figures"
    assert focus().rect["x"] >= 0, "what has the focus is seen"
    press(Keys.ENTER)
    assert focus().get_attribute("id") == "main"
    browser.get(center + "/")
    reached = []
    for _ in range(30):
        press(Keys.TAB)
        assert browser.execute_script("return getComputedStyle(document.activeElement).outlineStyle") != "none", f"the focus is not seen after {reached[-1:]}"
        reached.append(focus().get_attribute("type") or focus().text)
        if focus().get_attribute("type") == "range":
            break
    assert reached[2:13] == ["Now", "Queues", "Open cases", "Risk", "Promises", "Staffing", "Cases", "Flow", "Forecast", "Ownership", "Data quality"]
    before = focus().get_attribute("aria-valuetext")
    press(*[Keys.ARROW_LEFT] * 30)
    assert focus().get_attribute("aria-valuetext") < before
    assert parameters(browser) == {}, "nothing is loaded at each step"
    press(Keys.ENTER)
    until(lambda: "at" in parameters(browser), "Enter shows what was chosen")


def test_without_scripts_everything_is_still_there(browser: Any, center: str) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.get(center + "/cases")
        assert not browser.find_element("css selector", ".instant .slider").is_displayed()
        browser.find_element("name", "search").send_keys("20250703", Keys.ENTER)
        until(lambda: "search" in parameters(browser), "a form is sent without scripts")
        assert number(told(browser, ".total")) == len(browser.find_elements("css selector", "table.grid tbody tr"))
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_reader_is_told_of_newer_figures_and_never_sees_a_broken_page(browser: Any, center: str, desk: Settings) -> None:
    browser.get(center + "/?at=2025-07-10T15:00")
    notice = browser.find_element("css selector", ".notice")
    assert not notice.is_displayed()
    with duckdb.connect(str(desk.home.warehouse)) as warehouse:
        for path in ("/flow",):
            publish(warehouse, desk.home, PUBLISHED)
            browser.execute_script("location.href = arguments[0]", center + path)
            publish(warehouse, desk.home, PUBLISHED)
            until(lambda path=path: urlsplit(browser.current_url).path == path and told(browser, "h1"), path)
            assert browser.find_elements("css selector", "footer a[href='/api']")
        publish(warehouse, desk.home, PUBLISHED)

    def is_told() -> bool:
        # Who comes back to the page asks whether there are newer figures; the centre shows them once it has looked for them.
        browser.execute_script("window.dispatchEvent(new Event('focus'))")
        return bool(browser.find_element("css selector", ".notice").is_displayed())

    until(is_told, "newer figures are told of", seconds=60)
    browser.find_element("css selector", ".notice a").click()
    until(lambda: not browser.find_element("css selector", ".notice").is_displayed(), "the newer page is shown")

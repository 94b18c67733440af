"""report.html in a real browser: at desk and phone width, light and dark, offline.

Skips, saying so, where Chromium or its driver is missing.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from reporting_marts import SETTINGS, Log, own_promises, summary_of, write_account_marts, write_marts, write_own_marts

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.explain_picture import write_picture
from opsla_dagster.reporting.explanation import Clock, Event, Explanation, Piece, Span
from opsla_dagster.reporting.report import write_report
from opsla_dagster.reporting.run_summary import CheckResult

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)
DESK, PHONE = (1280, 900), (390, 844)

pytestmark = pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="needs Chromium and chromedriver")

#: Labels of visible drawings, and lines of tiles, that lie over one another, by more than the pixel that rounding may cost.
OVERLAPS = """
    const found = [];
    for (const svg of document.querySelectorAll('svg.chart')) {
        if (!svg.getBoundingClientRect().width) continue;
        for (const css of ['.end', '.tick']) {
            const boxes = [...svg.querySelectorAll('text' + css)].map(text => [text.textContent, text.getBoundingClientRect()]);
            boxes.forEach(([one, a], number) => boxes.slice(number + 1).forEach(([other, b]) => {
                const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
                const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
                if (wide > 1 && high > 3) found.push(svg.querySelector('title').textContent + ': ' + one + ' / ' + other);
            }));
        }
    }
    for (const tile of document.querySelectorAll('.tile')) {
        const boxes = [...tile.children].map(child => [child.textContent.trim(), child.getBoundingClientRect()]);
        boxes.slice(1).forEach(([other, b], number) => {
            if (boxes[number][1].bottom > b.top + 1) found.push(boxes[number][0] + ' / ' + other);
        });
    }
    return found;
"""
#: Texts of drawings that reach beyond the page, and figures that reach beyond their cell.
CUT_OFF = """
    const texts = [...document.querySelectorAll('svg.chart text')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.width && (box.left < 0 || box.right > document.documentElement.clientWidth);
    });
    const cells = [...document.querySelectorAll('.heat td, .heat th, .tile > *')].filter(
        cell => cell.scrollWidth > cell.clientWidth + 1);
    return [...texts, ...cells].map(found => found.textContent);
"""
#: Contrast of every visible text against the first opaque ground behind it, where below 4.5 : 1.
PALE = """
    const channels = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = node => {
        for (; node; node = node.parentElement) {
            const colour = channels(getComputedStyle(node).backgroundColor);
            if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
    };
    const pale = new Set();
    for (const node of document.querySelectorAll('body *')) {
        const own = [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim());
        if (!own || node.closest('svg title, svg desc, .sr, tr.few') || !node.getBoundingClientRect().width) continue;
        const style = getComputedStyle(node);
        const [a, b] = [light(channels(node.closest('svg') ? style.fill : style.color)), light(ground(node))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5) pale.add(`${node.className.baseVal ?? node.className} ${node.textContent.trim()}: ${ratio.toFixed(2)}`);
    }
    return [...pale];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marts(tmp_path_factory.mktemp("marts") / "marts.duckdb", Log(cases=10_000, has_source_verdicts=True))


@pytest.fixture(scope="module")
def report(marts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(marts, summary_of(marts), tmp_path_factory.mktemp("report") / "report.html", SETTINGS)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A desk with promises of its own."""
    directory = tmp_path_factory.mktemp("own")
    return write_report(write_own_marts(directory / "marts.duckdb"), None, directory / "report.html", own_promises())


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account that brings its own promises and judges them, of which something could not be had."""
    directory = tmp_path_factory.mktemp("account")
    marts = write_account_marts(directory / "marts.duckdb")
    gate = CheckResult(asset="staging.case_milestones", check="gate_pct_cancelled_and_resolved", passed=True, figures={"rate": 0.5, "warn_above": 1})
    summary = summary_of(marts, (gate,)).model_copy(update={
        "left_out": ("acme: sla_policies: the account does not offer it, or its API user may not see it (403)",),
        "reading_notes": ("acme: 1,204 records read, 1,200 used, 4 rejected (raw.rejected_rows)",),
    })
    return write_report(marts, summary, directory / "report.html", SETTINGS)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many tiers and case types with long names, open for a year."""
    directory = tmp_path_factory.mktemp("crowded")
    tiers = (*(f"T{number}" for number in range(1, 6)), "platinum", None)
    types = tuple(f"category_with_quite_a_long_name_{number}" for number in range(20))
    marts = write_marts(directory / "marts.duckdb", Log(cases=10_000, days=365, tiers=tiers, case_types=types))
    return write_report(marts, summary_of(marts), directory / "report.html", SETTINGS)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a case that was reopened: one clock of eight minutes, one that was due before it stopped."""
    start = datetime(2025, 7, 3, 21, 58)
    days = [start + timedelta(days=day) for day in range(11)]
    statuses = [("INVESTIGATION", days[0], days[5]), ("RESOLVED", days[5], days[7]), ("INVESTIGATION", days[7], days[10])]

    def clock(title: str, until: datetime, due_at: datetime) -> Clock:
        seconds = int((until - start).total_seconds())
        piece = Piece(start, until, "INVESTIGATION", "e1", "running", None, seconds, seconds)
        return Clock(
            policy="desk", metric="m", title=title, cycle=1, calendar="always", starts=("INTAKE",), stops=("RESOLVED",), pauses=(),
            is_superseded=False, target_seconds=int((due_at - start).total_seconds()), started_at=start, started_by=None, stopped_at=until,
            stopped_by="e2", until=until, pieces=(piece,), counted_seconds=seconds, paused_seconds=0, stored_elapsed_seconds=seconds,
            is_consistent=True, outcome="met" if until <= due_at else "breached", reason=None, is_open=False, is_paused=False,
            margin_seconds=int((due_at - until).total_seconds()), due_at=due_at,
        )  # fmt: skip

    explanation = Explanation(
        case_id="C-1", source="log", intake_at=start, intake_date="2025-07-03", tier="T2", case_type=None, priority=None, team=None,
        agent=None, ended_at=days[10], is_open=False, reopen_count=1, zone="America/New_York", as_of_at=days[10],
        events=tuple(Event(f"C20250703-001773-0{n}", days[n], "CUSTOMER_WAIT", None, ()) for n in range(9)),
        spans=tuple(Span(begun, ended, status, "e") for status, begun, ended in statuses),
        clocks=(clock("First reply", start + timedelta(minutes=8), days[1]), clock("Resolution", days[5], days[4])),
        promised_but_not_started=(),
    )  # fmt: skip
    return write_picture(explanation, tmp_path_factory.mktemp("case") / "case.html")


def look(browser: Any, page: Path, size: tuple[int, int], scheme: str = "light") -> Any:
    width, height = size
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    browser.get(page.as_uri())
    return browser


@pytest.mark.parametrize("size", [DESK, PHONE, (768, 1024)], ids=["desk", "phone", "tablet"])
def test_nothing_overflows_overlaps_or_is_cut_off(
    browser: Any, report: Path, own: Path, account: Path, crowded: Path, size: tuple[int, int]
) -> None:
    for page in (report, own, account, crowded):
        look(browser, page, size)
        assert browser.execute_script("return document.documentElement.scrollWidth") == size[0]
        assert browser.execute_script(OVERLAPS) == []
        assert browser.execute_script(CUT_OFF) == []


@pytest.mark.parametrize("size", [DESK, PHONE, (500, 900)], ids=["desk", "phone", "wide phone"])
def test_a_case_s_time_lines_are_whole_at_every_width(browser: Any, case: Path, size: tuple[int, int]) -> None:
    look(browser, case, size)
    assert browser.execute_script("return document.documentElement.scrollWidth") == size[0]
    drawings = [drawing for drawing in browser.find_elements("css selector", "svg") if drawing.is_displayed()]
    strip, short, long = drawings
    for drawing in drawings:
        box = drawing.rect
        texts = drawing.find_elements("css selector", "text")
        assert all(box["x"] <= text.rect["x"] and text.rect["x"] + text.rect["width"] <= box["x"] + box["width"] + 1 for text in texts)
        below = sorted((text.rect["x"], text.rect["x"] + text.rect["width"]) for text in texts if text.get_attribute("y") == "46")
        assert all(left[1] <= right[0] for left, right in pairwise(below)), "the labels of ticks lie over one another"
    statuses = strip.find_elements("css selector", "rect")
    assert len(statuses) == 3, "the reopened stretch is there too"
    assert short.find_element("css selector", "rect").rect["width"] > box["width"] / 2, "eight minutes of ten days have a line of their own"
    assert box["x"] < long.find_element("css selector", ".target").rect["x"] < box["x"] + box["width"]
    status = browser.find_element("css selector", ".events td:nth-child(2)")
    assert status.value_of_css_property("white-space") == "nowrap"


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser: Any, report: Path, account: Path, size: tuple[int, int], scheme: str) -> None:
    for page in (report, account):
        look(browser, page, size, scheme)
        ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") is (scheme == "light")
        assert browser.execute_script(PALE) == []


def test_page_is_quiet_and_asks_the_network_for_nothing(browser: Any, report: Path) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    look(browser, report, DESK)
    assert [entry["message"] for entry in browser.get_log("browser")] == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [message["params"]["request"]["url"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    assert report.as_uri() in asked
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def test_sections_and_their_figures_are_visible_at_both_widths(browser: Any, marts: Path, report: Path) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        breach_pcts = connection.execute(
            "select sla_b_breach_pct, sla_a_incl_wait_breach_pct, sla_a_paused_breach_pct from mart.sla_overall"
        ).fetchone()
        cells = connection.execute("select sla_b_breach_pct from mart.sla_by_tier_case_type").fetchall()
        p95s = connection.execute("select p95_business_minutes from mart.driver_stage_durations").fetchall()
    assert breach_pcts is not None
    for size in (DESK, PHONE):
        look(browser, report, size)
        visible = {
            section.get_attribute("id"): section.text for section in browser.find_elements("css selector", "main > section")
        }
        assert list(visible) == [
            "headline", "promises", "breaks", "trend", "heat-map", "stages", "flow", "reopens", "scenarios", "open-clocks", "quality", "sources", "run",
        ]
        assert all(f"{breach_pct:.2f}%" in visible["headline"] for breach_pct in breach_pcts)
        assert all(f"{breach_pct:.1f}%" in visible["heat-map"] for (breach_pct,) in cells)
        assert all(wording.time_taken(p95) in visible["stages"] for (p95,) in p95s)
        assert "36.58%" in visible["sources"]


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_each_part_of_the_headline_says_whom_it_is_of(browser: Any, marts: Path, report: Path, account: Path, size: tuple[int, int]) -> None:
    with duckdb.connect(str(marts), read_only=True) as connection:
        [(cases, judged)] = connection.execute("select opened_cases, sla_cases from mart.sla_overall").fetchall()
    look(browser, report, size)
    headings = [heading.text for heading in browser.find_elements("css selector", "#headline .population")]
    assert headings == ["Every clock of each promise", f"{judged:,} of {cases:,} cases: those both touched and resolved"]
    table = browser.find_element("css selector", "#headline .durations").text
    assert len(re.findall(r"\d (?:min|h)\b", table)) == 9, "every time has its unit"
    look(browser, account, size)
    headings = [heading.text for heading in browser.find_elements("css selector", "#headline .population")]
    assert headings == ["Every clock of each promise", "Time taken by the clocks that have stopped"]


def test_one_drawing_of_the_trend_shows_at_each_width(browser: Any, report: Path) -> None:
    for size, shown in ((DESK, "breach-wide"), (PHONE, "breach-narrow")):
        look(browser, report, size)
        drawings = browser.find_elements("css selector", "#trend .sized svg")
        assert [drawing.get_attribute("aria-labelledby").split("-title")[0] for drawing in drawings if drawing.is_displayed()] == [
            shown
        ]


def test_tables_behind_the_charts_open_without_scripts(browser: Any, report: Path) -> None:
    look(browser, report, PHONE)
    details = browser.find_element("css selector", "#trend details")
    table = details.find_element("css selector", "table")
    assert not table.is_displayed()
    details.find_element("css selector", "summary").click()
    assert table.is_displayed()
    assert len(table.find_elements("css selector", "tbody tr")) == 180
    assert browser.execute_script("return document.documentElement.scrollWidth") == PHONE[0]


def test_print_is_light_and_whole(browser: Any, report: Path) -> None:
    look(browser, report, (794, 1123), "dark")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    ground = browser.execute_script("return getComputedStyle(document.body).color")
    assert ground == "rgb(23, 32, 42)"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 794
    assert not browser.find_element("css selector", "nav").is_displayed()
    assert browser.find_element("css selector", "#trend .wide svg").is_displayed()
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})

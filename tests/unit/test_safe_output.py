"""What a source wrote is text wherever a person meets it: in a terminal, a spreadsheet, the UI.

Belongs here: what a hostile or merely odd text does to each of them. Does not belong here: the page report.html (test_reporting_report.py).
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from opsla_dagster.build import build_definitions
from opsla_dagster.errors import OpslaError
from opsla_dagster.printable import fenced, visible, visible_json
from opsla_dagster.reporting.spreadsheet import write_csv
from opsla_dagster.settings import load_settings
from opsla_dagster.terminal import PlainConsole

#: Retitles the terminal, clears it, overwrites the line, rings, C1's way to do the same, turns the order of letters.
HOSTILE = "A\x1b]0;owned\x07B\x1b[2JC\rD\x08E\x9b31mF\x7fG\u202eH\u2028I\x00J"
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")


def printed(*what: object, **how: bool) -> str:
    console = PlainConsole(width=200)
    with console.capture() as said:
        for each in what:
            console.print(each, **how)
    return said.get()


def test_no_control_character_reaches_a_terminal() -> None:
    table = Table(HOSTILE, "plain", width=190)
    table.add_row(HOSTILE, Text(HOSTILE))
    for said in (printed(HOSTILE), printed(Text(HOSTILE)), printed(table), printed(HOSTILE, soft_wrap=True), str(OpslaError(HOSTILE))):
        assert not CONTROLS.search(said)
        assert "A␛]0;owned" in said
        assert "\\u202eH" in said.replace("\n", "")


@given(st.text())
def test_what_is_visible_says_the_same_twice_and_keeps_harmless_text(text: str) -> None:
    shown = visible(text)
    assert not CONTROLS.search(shown)
    assert visible(shown) == shown
    if not CONTROLS.search(text):
        assert shown == text


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_for_programs_means_the_same(text: str) -> None:
    shown = visible_json(json.dumps({"a": text}, ensure_ascii=False))
    assert json.loads(shown) == {"a": text}
    assert not CONTROLS.search(shown)


@pytest.mark.parametrize("text", ["[bold]urgent[/bold]", "[/]", "[link=http://x]y", ":warning:", "a [red", "\\[x]"])
def test_brackets_and_colons_of_a_source_are_no_markup(text: str) -> None:
    table = Table("status")
    table.add_row(text)
    assert text in printed(text)
    assert text in printed(table)


def written(tmp_path: Path, values: list[str | None], *, raw: bool = False) -> list[str]:
    path = tmp_path / "it's.csv"
    with duckdb.connect() as connection:
        connection.execute("create table t (id integer, name varchar, amount double)")
        connection.executemany("insert into t values (?, ?, -1.5)", list(enumerate(values)))
        assert write_csv(connection, "select * from t order by id", path, raw=raw) == len(values)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["amount"] for row in rows} == {"-1.5"}, "numbers stay numbers"
    return [row["name"] for row in rows]


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "=cmd|' /C calc'!A0", "+1-1", "-1+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\rfoo", "\nfoo", "\tfoo", " =1", "\u00a0=1", "\ufeff=1", "\u200b=1",
        "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", "+", "=", "- a note", '=HYPERLINK("http://x","y")', "--1",
    ],
)  # fmt: skip
def test_formulas_are_text_in_a_spreadsheet(tmp_path: Path, text: str) -> None:
    (found,) = written(tmp_path, [text])
    assert found.startswith("'")
    assert written(tmp_path, [text], raw=True) == [text]


@pytest.mark.parametrize("text", ["-5", "+49", "-1.5", "1e-3", "-2E+5", "0", "T-1", "a=b", "x@example.org", "", "ü", "'quoted'", "a, b", 'say "no"', "a+b"])
def test_numbers_and_other_text_stay_as_they_are(tmp_path: Path, text: str) -> None:
    assert written(tmp_path, [text, None]) == [text, ""]


@pytest.mark.parametrize("text", ["a;=1+1", "a\n=1+1", "a\t@SUM(1)", 'a";=1+1;"', "a; ＝1"])
def test_a_cell_that_the_separator_of_another_country_would_open_is_harmless(tmp_path: Path, text: str) -> None:
    (found,) = written(tmp_path, [text])
    assert not re.search(r"[;\t\n]\s*[=+\-@＝]", found)
    assert found.replace("'", "") == text


def test_text_is_quoted_and_nothing_is_still_not_empty_text(tmp_path: Path) -> None:
    written(tmp_path, ["", None, "a"])
    assert (tmp_path / "it's.csv").read_text(encoding="utf-8").splitlines() == ['id,"name",amount', '0,"",-1.5', "1,,-1.5", '2,"a",-1.5']


def test_a_table_without_text_is_written_too(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        assert write_csv(connection, "select 1 as a", tmp_path / "a.csv", raw=False) == 1


def test_a_sample_is_a_block_of_code_whatever_is_in_it() -> None:
    for text in ("``` \n<script>", "a ```` b", "plain", "![x](http://evil)"):
        lines = fenced(text).splitlines()
        assert lines[0] == lines[-1]
        assert set(lines[0]) == {"`"}
        assert lines[0] not in "\n".join(lines[1:-1])


def test_nothing_in_a_description_can_be_taken_for_a_tag() -> None:
    """The UI renders descriptions as Markdown with HTML: `marts/<mart>.parquet` would lose its `<mart>`."""
    definitions = build_definitions(load_settings(Path(__file__).parents[2] / "config", Path("no_home")))
    described: dict[str, str] = {}
    for asset in definitions.assets or ():
        for spec in asset.specs:  # type: ignore[union-attr]
            described[spec.key.to_user_string()] = spec.description or ""
            schema = spec.metadata.get("dagster/column_schema")
            described |= {f"{spec.key.to_user_string()}.{column.name}": column.description or "" for column in (schema.columns if schema else [])}
        described |= {f"{check.asset_key.to_user_string()} {check.name}": check.description or "" for check in asset.check_specs}  # type: ignore[union-attr]
    assert len(described) > 500
    assert [name for name, text in described.items() if re.search(r"</?[A-Za-z!]", text)] == []

"""What init refuses to propose, what it takes for one row a case, and what else it finds in a log: due dates, empty cells, bots, three cases."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from rich.console import Console

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.settings.sources import EventLogSettings, SourcesSettings
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.begin import Answers, Begun, begin
from opsla_dagster.starting.directory import finish
from opsla_dagster.starting.information import timeless_promises, timeless_text
from opsla_dagster.starting.preview import lines_of, time_lines
from opsla_dagster.starting.proposing import propose
from opsla_dagster.starting.sniffing import sniffed
from opsla_dagster.starting.told import Told

NOBODY = Asking(Console(quiet=True), is_allowed=False)


def init(directory: Path, text: str, asking: Asking = NOBODY, **told: Any) -> Begun | None:
    """`opsla init log.csv --to desk`, without the first run."""
    (directory / "log.csv").write_text(text, encoding="utf-8")
    usual: dict[str, Any] = {
        "zendesk": None, "intercom": False, "name": None, "timezone": "UTC", "start_date": None, "time_format": None, "columns": [], "statuses": [],
        "empty_cells": None, "email_variable": "E", "token_variable": None, "key_variable": "K", "base_url": None,
    }
    return begin(Answers(files=[directory / "log.csv"], directory=directory / "desk", **{**usual, **told}), asking)


def source(directory: Path, text: str, **told: Any) -> EventLogSettings:
    """The source that init writes."""
    assert init(directory, text, **told) is not None
    (found,) = read_document(directory / "desk" / "sources.yml", SourcesSettings).sources
    assert isinstance(found, EventLogSettings)
    return found


def promises(directory: Path) -> tuple[list[str], list[str]]:
    """Metrics, and those with a target for everybody."""
    policies = read_document(directory / "desk" / "sla_policies.yml", SlaPoliciesSettings)
    return list(policies.metrics), [metric for policy in policies.policies for metric in policy.targets]


REFUSED = {
    "a status that is how a case stands now": (
        "ticket,status,at,kind\n1,Closed,2025-07-07 09:00,Reply\n1,Closed,2025-07-07 10:00,Note\n2,Open,2025-07-07 11:00,Note\n2,Open,2025-07-07 12:00,Note\n",
        r"'status' never changes within a case \(of 2 with several records; it says 'Closed' \(2\), 'Open' \(2\)\).*kind do, and hold no words",
    ),
    "a case id that never repeats": (
        "Ticket,State,Changed at\n1,Open,2025-07-07 09:00\n2,Closed,2025-07-07 10:00\n3,Open,2025-07-07 11:00\n",
        r"3 different values of 'Ticket' in 3 records: .*case_id=COLUMN.*INTAKE=COLUMN.*export their history",
    ),
    "one milestone for all": (
        "Ticket,State,Changed at\n1,Solved,2025-07-07 09:00\n1,Resolved,2025-07-07 10:00\n",
        r"Every known status means RESOLVED \(Resolved, Solved\).*--status WORD=STATUS",
    ),
    "dates without a time of day": (
        "Ticket,State,Day\n1,Open,2025-07-07\n1,Solved,2025-07-08\n", r"'Day' holds dates without a time of day \('2025-07-07', '2025-07-08'\).*--time-format '%Y-%m-%d'",
    ),
    "midnights": (
        "Ticket,State,Day\n1,Open,2025-07-07 00:00:00\n1,Solved,2025-07-08 00:00:00\n", r"'Day' says a day and no time of day.*--time-format 'iso'",
    ),
    "the start and the end of each activity": (
        "case:concept:name,concept:name,lifecycle:transition,time:timestamp\n1,Open,start,2025-07-07T09:00:00Z\n1,Open,complete,2025-07-07T09:05:00Z\n"
        "1,Solve,start,2025-07-07T10:00:00Z\n1,Solve,complete,2025-07-07T12:00:00Z\n",
        r"'lifecycle:transition' says complete \(2\), start \(2\): each activity of 'concept:name' is in the log twice.*--column 'status=concept:name'",
    ),
    "one row a case, opened and nothing else": (
        "Ticket,State,Created,Weather\n1,Open,2025-07-07 09:00,fine\n2,Open,2025-07-07 10:00,fine\n", r"2 different values of 'Ticket' in 2 records",
    ),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.values(), ids=REFUSED)
def test_a_log_that_says_nothing_is_refused_with_figures_and_a_way_on(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(OpslaError, match=said):
        init(tmp_path, text)
    assert not (tmp_path / "desk").exists()


@pytest.mark.parametrize("name", ["dates without a time of day", "midnights", "the start and the end of each activity"])
def test_whoever_says_so_takes_it_as_it_is(tmp_path: Path, name: str) -> None:
    text, said = REFUSED[name]
    flag, _, value = said.rpartition("--")[2].partition(" ")
    told = {"time_format": value.strip("'")} if flag == "time-format" else {"columns": [value.strip("'")]}
    assert init(tmp_path, text, **told) is not None


def test_a_lifecycle_that_tells_more_than_the_activity_is_the_status(tmp_path: Path) -> None:
    """As in the incidents of BPI Challenge 2013: Accepted and Queued say less than In Progress, Awaiting Assignment and Resolved."""
    found = source(
        tmp_path,
        "case:concept:name,concept:name,lifecycle:transition,time:timestamp\n1,Accepted,In Progress,2025-07-07T09:00:00Z\n"
        "1,Queued,Awaiting Assignment,2025-07-07T10:00:00Z\n1,Accepted,In Progress,2025-07-07T11:00:00Z\n1,Accepted,Assigned,2025-07-07T11:10:00Z\n"
        "1,Completed,Resolved,2025-07-07T12:00:00Z\n1,Completed,Closed,2025-07-08T12:00:00Z\n",
    )
    assert found.columns.status == "lifecycle:transition"


# ---------------------------------------------------------------- one row a case

FRESHDESK = """\
Ticket ID,Status,Agent,Created time,Due by Time,Resolved time,Closed time,Last update time,Initial response time,Resolution time (in hrs),Resolution status
1,Closed,Ann,2025-07-07 09:00:00,2025-07-08 09:00:00,2025-07-07 15:00:00,2025-07-09 15:00:00,2025-07-09 15:00:00,2025-07-07 09:30:00,06:00:00,Within SLA
2,Open,,2025-07-07 10:00:00,2025-07-10 10:00:00,,,2025-07-07 10:00:00,,,Within SLA
3,Pending,Bob,2025-07-07 11:00:00,2025-07-08 11:00:00,,,2025-07-08 10:00:00,2025-07-07 15:00:00,,SLA Violated
"""
GERMAN = """\
Ticketnummer;Status;Erstellt am;Zugewiesen am;Erste Antwort;Gelöst am;Geschlossen am;Fällig am
7;Geschlossen;07.07.2025 09:00;07.07.2025 09:10;07.07.2025 09:30;07.07.2025 15:00;14.07.2025 15:00;08.07.2025 09:00
8;Offen;15.07.2025 09:00;;;;;16.07.2025 09:00
"""
JAPANESE = """\
チケット番号,ステータス,受付日時,初回応答日時,解決日時,クローズ日時,期限
1,クローズ,2025-07-07 09:00,2025-07-07 09:30,2025-07-07 15:00,2025-07-09 09:00,2025-07-08 09:00
2,対応中,2025-07-07 10:00,2025-07-07 10:20,,,2025-07-08 10:00
"""
ONE_ROW = {
    "Freshdesk": (FRESHDESK, {"Created time": "INTAKE", "Resolved time": "RESOLVED", "Closed time": "CLOSED", "Initial response time": "PUBLIC_REPLY"}, "Due by Time"),
    "German": (
        GERMAN,
        {"Erstellt am": "INTAKE", "Zugewiesen am": "ASSIGNED", "Erste Antwort": "PUBLIC_REPLY", "Gelöst am": "RESOLVED", "Geschlossen am": "CLOSED"},
        "Fällig am",
    ),
    "Japanese": (JAPANESE, {"受付日時": "INTAKE", "初回応答日時": "PUBLIC_REPLY", "解決日時": "RESOLVED", "クローズ日時": "CLOSED"}, "期限"),
}


@pytest.mark.parametrize(("text", "milestones", "due"), ONE_ROW.values(), ids=ONE_ROW)
def test_one_row_a_case_is_recognised(tmp_path: Path, text: str, milestones: dict[str, str], due: str) -> None:
    found = source(tmp_path, text)
    assert (found.form, dict(found.milestones)) == ("cases", milestones)
    assert found.due["first_resolution"].column == due
    assert promises(tmp_path)[1] == [], "what was promised is in the due dates, and nothing is assumed beside them"


def test_what_a_case_is_beside_its_milestones(tmp_path: Path) -> None:
    found = source(tmp_path, FRESHDESK)
    assert found.columns.mapped() == {
        "case_id": "Ticket ID", "status": "Status", "agent": "Agent", "sla_met": "Resolution status", "updated_ts": "Last update time",
    }
    assert (found.sla_met_values.met, found.sla_met_values.missed) == (("Within SLA",), ("SLA Violated",))


def test_a_stamp_that_nobody_knows_is_told_and_can_be_named(tmp_path: Path) -> None:
    text = "Ticket,Created,Picked up,Closed\n1,2025-07-07 09:00,2025-07-07 09:10,2025-07-07 12:00\n2,2025-07-07 09:30,2025-07-07 09:50,2025-07-07 12:00\n"
    (tmp_path / "log.csv").write_text(text, encoding="utf-8")
    with sniffed([tmp_path / "log.csv"]) as log:
        found = propose(log, Told(), NOBODY)
    assert any("Picked up. Say it with --column STATUS=COLUMN" in note for note in found.notes)
    assert source(tmp_path, text, columns=["ASSIGNED=Picked up"]).milestones["Picked up"] == "ASSIGNED"


def test_a_log_of_updates_keeps_its_form_beside_columns_of_milestones(tmp_path: Path) -> None:
    found = source(
        tmp_path,
        "Number,State,Opened,Updated,Resolved\n1,New,2025-07-07 09:00,2025-07-07 09:00,2025-07-07 12:00\n1,Resolved,2025-07-07 09:00,2025-07-07 12:00,"
        "2025-07-07 12:00\n2,New,2025-07-07 10:00,2025-07-07 10:00,\n",
    )
    assert (found.form, found.columns.event_ts, found.columns.intake_ts, found.columns.resolved_ts) == ("updates", "Updated", "Opened", "Resolved")


def test_cases_that_are_there_again_are_cases_still(tmp_path: Path) -> None:
    """Daily exports in one file: a second row is a newer state of the case, its opening the same. Another opening is another thing."""
    header = "Ticket,Status,Created,First response,Resolved\n"
    rows = ["1,Open,2025-07-07 09:00,,", "2,Open,2025-07-07 10:00,,", "3,Open,2025-07-07 11:00,,"]
    again = ["1,Closed,2025-07-07 09:00,2025-07-07 09:30,2025-07-07 12:00"]
    assert source(tmp_path, header + "\n".join([*rows, *again]) + "\n").form == "cases"
    other = ["1,Closed,2025-07-08 09:00,2025-07-08 09:30,2025-07-08 12:00"]
    with sniffed([tmp_path / "log.csv"]) as log:
        lines = lines_of(time_lines(log, propose(log, Told(timezone="UTC"), NOBODY)))
    assert [line for line in lines if "Created" in line or "Resolved" in line][:2] == [
        "  Mon 2025-07-07 09:00  comes in (Created)", "  Mon 2025-07-07 12:00  is solved (Resolved), 2.5 h later",
    ], "shown is the row that counts"
    assert sum("Created" in line for line in lines) == 3
    (tmp_path / "other").mkdir()
    assert source(tmp_path / "other", header + "\n".join([*rows, *other]) + "\n").form == "updates"


# ---------------------------------------------------------------- due dates

UPDATES = "Ticket,State,Changed at,{column}\n1,Open,2025-07-07 09:00,{first}\n1,Solved,2025-07-07 12:00,{first}\n2,Open,2025-07-07 10:00,{second}\n2,Solved,2025-07-07 11:00,{second}\n"


@pytest.mark.parametrize(
    ("column", "first", "second", "due"),
    [
        ("SLA due", "2025-07-08 09:00", "2025-07-08 10:00", {"first_resolution": {"column": "SLA due"}}),
        ("Respond by", "2025-07-07 09:30", "", {"first_touch": {"column": "Respond by"}}),
        ("Due date", "2025-07-08", "2025-07-09", {"first_resolution": {"column": "Due date", "date_format": "%Y-%m-%d"}}),
        ("Resolution SLA (hours)", "8", "24", {"first_resolution": {"column": "Resolution SLA (hours)", "unit": "hours", "calendar": "desk"}}),
        ("Response target minutes", "30", "60", {"first_touch": {"column": "Response target minutes", "unit": "minutes", "calendar": "desk"}}),
        ("Resolution time (hours)", "8", "24", {}),
        ("SLA remaining hours", "8", "24", {}),
    ],
)
def test_what_was_promised_to_a_case_is_found_by_name_and_contents(
    tmp_path: Path, column: str, first: str, second: str, due: dict[str, object]
) -> None:
    found = source(tmp_path, UPDATES.format(column=column, first=first, second=second))
    assert {metric: each.model_dump(exclude_none=True) for metric, each in found.due.items()} == due


def test_of_rows_that_repeat_a_case_the_time_lines_show_the_one_updated_last(tmp_path: Path) -> None:
    text = (
        "Ticket,Status,Created,First response,Resolved,Last updated\n1,Closed,2025-07-07 09:00,2025-07-07 09:30,2025-07-07 12:00,2025-07-07 12:00\n"
        "1,Open,2025-07-07 09:00,2025-07-07 09:30,,2025-07-07 09:30\n2,Open,2025-07-07 09:00,,,2025-07-07 09:00\n3,Open,2025-07-07 09:00,,,2025-07-07 09:00\n"
    )
    (tmp_path / "log.csv").write_text(text)
    with sniffed([tmp_path / "log.csv"]) as log:
        proposal = propose(log, Told({"INTAKE": "Created", "RESOLVED": "Resolved"}, timezone="UTC"), NOBODY)
        assert (proposal.form, proposal.columns["updated_ts"]) == ("cases", "Last updated")
        lines = lines_of(time_lines(log, proposal))
    assert sum("is solved" in line for line in lines) == 1
    assert sum("Created" in line for line in lines) == 3


def test_a_due_column_that_was_named_and_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Found by its name alone it would be a remark; whoever names it wants it."""
    text = UPDATES.format(column="Promise", first="soon", second="later")
    with pytest.raises(OpslaError, match=r"--column due=Promise: the cells \('later', 'soon'\) are no promise that can be read: write all of them as"):
        init(tmp_path, text, columns=["due=Promise"])


@pytest.mark.parametrize(
    ("column", "words", "met"),
    [
        ("ontime", ["ONTIME", "OVERDUE"], ["ONTIME"]), ("SLA status", ["Met", "Missed"], ["Met"]), ("Overdue", ["yes", "no"], ["no"]),
        ("SLA breached", ["true", "false"], ["false"]), ("Made SLA", ["TRUE", "FALSE"], ["TRUE"]), ("SLA", ["Within SLA", "SLA Violated"], ["Within SLA"]),
        ("SLA eingehalten", ["Ja", "Nein"], ["Ja"]),
    ],
)
def test_the_vendors_own_verdict(tmp_path: Path, column: str, words: list[str], met: list[str]) -> None:
    values = source(tmp_path, UPDATES.format(column=column, first=words[0], second=words[1])).sla_met_values
    assert (list(values.met), [*values.met, *values.missed] == [*met, *(word for word in words if word not in met)]) == (met, True)


# ---------------------------------------------------------------- promises


@pytest.mark.parametrize(
    ("words", "metrics", "promised"),
    [
        (["New", "Active", "Done"], ["first_touch", "first_resolution"], ["first_touch", "first_resolution"]),
        (["New", "Done", "Closed"], ["first_touch", "first_resolution"], ["first_resolution"]),
        (
            ["New", "Waiting", "Done"], ["first_touch", "first_resolution", "first_resolution_paused"],
            ["first_touch", "first_resolution", "first_resolution_paused"],
        ),
        (["Active", "Assigned", "Done"], ["first_touch", "first_resolution"], ["first_resolution"]),
    ],
    ids=["no wait", "no touch", "a wait", "no opening"],
)
def test_no_promise_is_a_copy_of_another_one(tmp_path: Path, words: list[str], metrics: list[str], promised: list[str]) -> None:
    rows = "".join(f"1,{word},2025-07-07 {9 + hour:02d}:00\n" for hour, word in enumerate(words))
    assert init(tmp_path, f"Ticket,State,At\n{rows}") is not None
    assert promises(tmp_path) == (metrics, promised)
    text = (tmp_path / "desk" / "sla_policies.yml").read_text(encoding="utf-8")
    assert "SLA A" not in text
    assert "SLA B" not in text


# ---------------------------------------------------------------- cells


def cells(values: list[str]) -> str:
    rows = "".join(f"{case},{'New' if not number else 'Active'},2025-07-07 {9 + number:02d}:00,{value}\n" for case in (1, 2) for number, value in enumerate(values))
    return f"Ticket,State,At,Priority\n{rows}1,Done,2025-07-08 10:00,{values[-1]}\n2,Done,2025-07-08 10:00,{values[-1]}\n"


@pytest.mark.parametrize(
    ("values", "meaning", "is_warned"),
    [
        (["P1", "P1", "P1", "", ""], "cleared", False), (["P1", "", "", "P2", "", "P3", "", "P1", ""], "unchanged", False),
        (["P1", "P1", "P1"], "cleared", False), (["", "P1", "P1"], "cleared", False), (["P1", "", ""], "cleared", True),
        (["P1", "", "P1", "", "P1", "", "P1", "P1", ""], "unchanged", False),
    ],
    ids=["cleared in a full export", "only what changed", "nothing empty", "empty at first", "too little to tell", "the same again"],
)
def test_what_an_empty_cell_means(tmp_path: Path, values: list[str], meaning: str, is_warned: bool) -> None:
    (tmp_path / "log.csv").write_text(cells(values), encoding="utf-8")
    with sniffed([tmp_path / "log.csv"]) as log:
        found = propose(log, Told(timezone="UTC"), NOBODY)
    assert found.empty_cells == meaning
    assert [("--empty-cells" in warning) for warning in found.warnings] == [True] * is_warned


def test_a_person_says_what_an_empty_cell_means(tmp_path: Path) -> None:
    assert source(tmp_path, cells(["P1", "", ""]), empty_cells="unchanged").empty_cells == "unchanged"
    with pytest.raises(OpslaError, match="--empty-cells none: write cleared"):
        init(tmp_path, cells(["P1", ""]), empty_cells="none")


def test_bots_among_those_who_reply(tmp_path: Path) -> None:
    found = source(
        tmp_path,
        "Ticket,Event,At,Agent\n1,Created,2025-07-07 09:00,System\n1,Public reply,2025-07-07 09:01,Answer Bot\n1,Public reply,2025-07-07 10:00,Abbott\n"
        "1,Public reply,2025-07-07 11:00,Robin Systema\n1,Public reply,2025-07-07 11:30,Workflow automation\n1,Solved,2025-07-07 12:00,ann\n",
    )
    assert found.bots == ("Answer Bot", "Workflow automation")


def test_who_wrote_and_where_a_case_went_on(tmp_path: Path) -> None:
    found = source(
        tmp_path,
        "Ticket,Event,At,Author type,Parent ticket\n1,Created,2025-07-07 09:00,end-user,\n1,Public reply,2025-07-07 09:01,bot,\n1,Merged,2025-07-07 10:00,agent,2\n"
        "2,Created,2025-07-07 09:00,end-user,\n2,Public reply,2025-07-07 10:00,agent,\n2,Solved,2025-07-07 12:00,agent,\n",
    )
    assert dict(found.author_kinds) == {"agent": "person", "bot": "bot", "end-user": "customer"}
    assert found.columns.merged_into == "Parent ticket"


# ---------------------------------------------------------------- three cases

WAYS = "Ticket,State,At\n" + "".join(
    f"T{case},{word},2025-07-07 {9 + hour:02d}:00\n"
    for case, words in enumerate((["New", "Active", "Done"], ["New", "Active", "Done"], ["New", "Active", "Waiting", "Active", "Done", "Active"], ["New"]))
    for hour, word in enumerate(words)
)


def test_three_telling_cases_are_shown_in_words(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(WAYS, encoding="utf-8")
    with sniffed([tmp_path / "log.csv"]) as log:
        lines = lines_of(time_lines(log, propose(log, Told(timezone="Europe/Rome"), NOBODY)))
    assert lines[:4] == [
        "T0 (the usual way, as 2 cases):", "  Mon 2025-07-07 09:00  comes in (New)", "  Mon 2025-07-07 10:00  is worked on (Active), 60 min later",
        "  Mon 2025-07-07 11:00  is solved (Done), 60 min later",
    ]
    assert [line for line in lines if line.endswith(":")] == ["T0 (the usual way, as 2 cases):", "T2 (the most records):", "T3 (has not ended):"]


def test_a_person_may_change_the_status_and_the_case_until_it_looks_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """First the status is wrong and refused, then named; the case id is changed with a second look."""
    text = "ref,ticket,kind,status,at\n" + "".join(
        f"R{number // 2},{number // 4},{('New', 'Done')[number % 2]},Open,2025-07-07 {9 + number:02d}:00\n" for number in range(8)
    )
    given = iter(["", "status=Weather", "case_id=ref"])
    agreed = iter([False, True])
    monkeypatch.setattr("opsla_dagster.starting.asking.Prompt.ask", lambda *_, **__: next(given))
    monkeypatch.setattr("opsla_dagster.starting.asking.Confirm.ask", lambda *_, **__: next(agreed))
    console = Console(record=True, width=200, file=io.StringIO())
    begun = init(tmp_path, text, Asking(console, is_allowed=True))
    assert begun is not None
    said = console.export_text()
    assert "'status=Weather' is neither FIELD=COLUMN" in said
    columns = yaml.safe_load((tmp_path / "desk" / "sources.yml").read_text(encoding="utf-8"))["sources"][0]["columns"]
    assert (columns["case_id"], columns["status"]) == ("ref", "kind")


# ---------------------------------------------------------------- unfinished attempts

GOOD = "Ticket,State,At\n1,New,2025-07-07 09:00\n1,Active,2025-07-07 10:00\n1,Done,2025-07-07 11:00\n"


def test_an_attempt_that_was_not_finished_is_written_over(tmp_path: Path) -> None:
    assert init(tmp_path, GOOD) is not None
    (tmp_path / "desk" / ".opsla").mkdir()
    (tmp_path / "desk" / ".opsla" / "half.duckdb").write_text("", encoding="utf-8")
    assert init(tmp_path, GOOD.replace("Active", "Waiting")) is not None
    assert "Waiting" in (tmp_path / "desk" / "sources.yml").read_text(encoding="utf-8")
    assert not (tmp_path / "desk" / ".opsla").exists()


@pytest.mark.parametrize(("name", "said"), [("sources.yml", "sources.yml was edited since"), ("notes.txt", "notes.txt is in it too")])
def test_what_a_person_wrote_is_left_alone(tmp_path: Path, name: str, said: str) -> None:
    assert init(tmp_path, GOOD) is not None
    with (tmp_path / "desk" / name).open("a", encoding="utf-8") as file:
        file.write("# mine\n")
    with pytest.raises(OpslaError, match=f"from an attempt that was not finished, and {said}"):
        init(tmp_path, GOOD)
    assert "# mine" in (tmp_path / "desk" / name).read_text(encoding="utf-8")


def test_a_desk_that_has_run_is_not_written_over(tmp_path: Path) -> None:
    assert init(tmp_path, GOOD) is not None
    finish(tmp_path / "desk")
    with pytest.raises(OpslaError, match=r"desk: already exists; name another directory with --to"):
        init(tmp_path, GOOD)


# ---------------------------------------------------------------- the first run


def test_a_promise_that_is_kept_in_no_time_says_nothing() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.execute(
            """
            create table staging.sla_clocks as
            select metric, started_at, started_at + minutes * interval 1 minute as stopped_at, elapsed_seconds, outcome, true as is_stopped_by_event
            from (values
                ('first_touch', timestamp '2025-07-07 09:00', 0, 0, 'met'), ('first_touch', timestamp '2025-07-07 10:00', 0, 0, 'met'),
                ('first_touch', timestamp '2025-07-07 11:00', 5, 300, 'met'),
                ('first_resolution', timestamp '2025-07-06 09:00', 60, 0, 'met'), ('first_resolution', timestamp '2025-07-06 10:00', 60, 0, 'met'),
                ('first_reply', timestamp '2025-07-07 09:00', 0, 0, 'met'), ('first_reply', timestamp '2025-07-07 09:00', 900, 54000, 'breached'),
                ('once', timestamp '2025-07-07 09:00', 0, 0, 'met')
            ) as clocks (metric, started_at, minutes, elapsed_seconds, outcome)
            """
        )
        found = timeless_promises(connection, {"first_touch": "First touch"})
    assert [(each.metric, each.title, each.clocks, each.at_one_instant) for each in found] == [
        ("first_resolution", "first_resolution", 2, 0), ("first_touch", "First touch", 3, 2),
    ]
    outside, at_once = timeless_text(found, "desk").splitlines()
    assert "outside the hours that desk/calendars.yml assumes" in outside
    assert at_once.startswith("First touch: all 3 clocks that have ended were met, half of them after 0 minutes of open time, 2 of them at the instant at which they began.")

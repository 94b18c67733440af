"""`opsla init`: from files, or an account, to a config directory that can be run.

Belongs here: the order of the steps. Does not belong here: any one step, and the first run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from opsla_dagster import shipped
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted, rounded
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.sources import CHANGED_FIELDS, OPENED, EventLogSettings, Written
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.event_log.mapping import bare_id
from opsla_dagster.sources.event_log.reading.tables import SeveralTables
from opsla_dagster.sources.zendesk.advanced import settings_told
from opsla_dagster.starting.accounts import (
    Account,
    default_schedule,
    intercom_account,
    require_connection,
    require_variables,
    sla_policies_of,
    zendesk_account,
)
from opsla_dagster.starting.asking import Asking
from opsla_dagster.starting.columns import DUE_FIELDS, FIELDS
from opsla_dagster.starting.contents import EmptyCells
from opsla_dagster.starting.directory import finish, remember_attempt, require_free, write
from opsla_dagster.starting.dropped import dropped, released_files
from opsla_dagster.starting.information import timeless_promises, timeless_text
from opsla_dagster.starting.meanings import MOST_UNPLACED_PCT
from opsla_dagster.starting.preview import lines_of, time_lines
from opsla_dagster.starting.proposing import LogProposal, propose, propose_changes
from opsla_dagster.starting.rejects import MOST_RECORDS, Rejects, rejected_pct, rejects_of, too_many_rejected
from opsla_dagster.starting.showing import show_account, show_log
from opsla_dagster.starting.sniffing import Log, require_files, sniffed
from opsla_dagster.starting.stamp_choice import ZONE_ASSUMED, ZONE_QUESTION, settled_zone, zone_problem
from opsla_dagster.starting.told import Meaning, Told
from opsla_dagster.starting.words import IGNORE, listed, plain_name, spelled_alike
from opsla_dagster.starting.writing import LogFiles, account_documents, log_documents
from opsla_dagster.status import Signal
from opsla_dagster.warehouse.connection import reading
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.window import ONE_DAY, Window

#: Intake dates of the first window.
_FIRST_DAYS = 7

#: Fields of --column that are of an audit log, where one stands beside another log.
_OF_CHANGES = ("field", "old_value", "new_value", "actor")
_SYSTEMS = ("zendesk", "intercom")
_SOURCE_QUESTION = "Where do cases come from: the path of a log, zendesk or intercom"


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What was said on the command line."""

    files: Sequence[Path]
    zendesk: str | None
    intercom: bool
    directory: Path
    name: str | None
    timezone: str | None
    start_date: date | None
    time_format: str | None
    columns: Sequence[str]
    statuses: Sequence[str]
    email_variable: str
    token_variable: str | None
    key_variable: str
    base_url: str | None
    empty_cells: str | None = None
    #: The table of a workbook or of a JSON document, where a file has several, and the row with its header.
    sheet: str | None = None
    records: str | None = None
    header_row: int | None = None
    #: An audit log beside the files, and what its fields are (WORD=MEANING).
    changes: Sequence[Path] = ()
    fields: Sequence[str] = ()


@dataclass(frozen=True)
class Begun:
    """A config directory, and the home beside its documents; `unfinished` says what a person has to do before it can run."""

    directory: Path
    unfinished: str = ""

    @property
    def home(self) -> Path:
        return self.directory / ".opsla"


def begin(answers: Answers, asking: Asking) -> Begun | None:
    """Proposes and writes a config directory; None where the person did not agree. Raises OpslaError; then nothing is written."""
    require_files([*answers.files, *answers.changes])
    if answers.changes and not answers.files:
        raise OpslaError(f"--changes {answers.changes[0]}: is for an audit log beside the log of its cases, opsla init LOG --changes FILE; one that tells the statuses too is a log itself: opsla init FILE")
    is_attempt = require_free(answers.directory)
    if answers.timezone is not None and (problem := zone_problem(answers.timezone)):
        raise OpslaError(f"--timezone: {problem}")
    answers = _with_a_source(answers, asking)
    answers = replace(answers, files=released_files(answers.files), changes=released_files(answers.changes))
    if answers.files:
        proposed = _log_documents(answers, asking)
        if proposed is None:
            return None
        documents, unfinished = proposed
    else:
        documents, unfinished = _account_documents(answers, asking), ""
    if is_attempt:
        asking.say(f"{answers.directory}: an attempt that was not finished is written over.")
    if not answers.files and not asking.agreed(f"Write {answers.directory}?"):
        return None
    write(answers.directory, documents)
    remember_attempt(answers.directory, documents)
    return Begun(answers.directory, unfinished)


def begin_demo(directory: Path) -> Begun:
    """The configuration of the simulated desk, as somebody's own. Raises OpslaError where `directory` is taken or cannot be written."""
    require_free(directory)
    write(directory, {path.name: path.read_text(encoding="utf-8") for path in sorted(shipped.CONFIG.glob("*.yml"))})
    return Begun(directory)


def _with_a_source(answers: Answers, asking: Asking) -> Answers:
    """One source, asked for where none is named."""
    named = [bool(answers.files), answers.zendesk is not None, answers.intercom]
    if sum(named) > 1:
        raise OpslaError("one source at a time: log files, --zendesk SUBDOMAIN or --intercom; add the others to sources.yml")
    if any(named):
        return answers
    told = asking.value(_SOURCE_QUESTION, None, "the path of a log, --zendesk SUBDOMAIN or --intercom", _no_source)
    if told in _SYSTEMS:
        subdomain = asking.value("Subdomain (acme for acme.zendesk.com)", None, "--zendesk") if told == "zendesk" else None
        return replace(answers, zendesk=subdomain, intercom=told == "intercom")
    return replace(answers, files=[Path(told)])


def _no_source(text: str) -> str | None:
    return None if text in _SYSTEMS or Path(text).is_file() else f"{text}: no such file"


def _log_documents(answers: Answers, asking: Asking) -> tuple[dict[str, str], str] | None:
    """The documents, and what is to do before they can run; None where the person gave up."""
    columns, statuses = told_of(answers.columns, answers.statuses)
    fields = fields_of(answers.fields)
    of_changes = {field: column for field, column in columns.items() if field in _OF_CHANGES} if answers.changes else {}
    columns = {field: column for field, column in columns.items() if field not in of_changes}
    name = source_name(answers.name, answers.files[0])
    with _told_apart(answers, asking) as log:
        told = Told(
            columns, statuses, {} if answers.changes else fields, answers.time_format, answers.timezone, answers.start_date, _empty_cells(answers.empty_cells)
        )
        agreed = _agreed_proposal(name, log, told, answers.directory, asking)
        if agreed is None:
            return None
        proposal, rejects = agreed
        changes = _changes_beside(answers, Told(of_changes, fields=fields), name, log, proposal, asking) if answers.changes else None
        found = _files_of(name, log, proposal)
        if found.dropped is not None:
            asking.say(
                f"{found.dropped.marker} marks a drop: {found.dropped.folder} is taken for a drop folder, whose files count once a marker has released "
                "them; docs/drop_folders.md. Remove drop_folders from sources.yml where it is none."
            )
    documents = _documents(found, proposal, answers.directory, changes)
    if changes is not None:
        rejects = [*rejects, *_rejects_told(documents, changes[0], asking)]
    return documents, _unfinished(found, proposal, rejects, answers.directory)


def _unfinished(found: LogFiles, proposal: LogProposal, rejects: Sequence[Rejects], directory: Path) -> str:
    """What to do before the first run, where the gates that are written would stop it; else empty."""
    lost = (sum(proposal.unplaced.values()) + proposal.without_status) / found.rows
    if 100 * lost > MOST_UNPLACED_PCT:
        return _too_little_placed(lost, proposal, directory)
    return too_many_rejected(rejects, MOST_UNPLACED_PCT, directory) if rejected_pct(rejects) > MOST_UNPLACED_PCT else ""


def _files_of(name: str, log: Log, proposal: LogProposal) -> LogFiles:
    case = bare_id(log.columns[proposal.columns["case_id"]].examples[0])
    return LogFiles(name, log.files, log.written, log.missing_values, log.records, case, dropped(log.files), log.read)


def _documents(found: LogFiles, proposal: LogProposal, directory: Path, changes: tuple[LogFiles, LogProposal] | None = None) -> dict[str, str]:
    return log_documents(found, proposal, directory, datetime.now(UTC).date(), changes)


def _rejects_told(documents: Mapping[str, str], found: LogFiles, asking: Asking) -> list[Rejects]:
    """What the log rejects, which is said; nothing of a log that is too long to be read once more."""
    if found.rows > MOST_RECORDS:
        return []
    rejects = rejects_of(documents, {found.name: found.read})
    for line in (line for each in rejects for line in each.told()):
        asking.say(line)
    return rejects


def _changes_beside(answers: Answers, told: Told, name: str, log: Log, proposal: LogProposal, asking: Asking) -> tuple[LogFiles, LogProposal]:
    """The audit log beside `log`, as it is proposed and shown. Raises OpslaError where it cannot be one of its cases."""
    if proposal.form == "changes":
        raise OpslaError(f"{log.files[0]}: is an audit log itself, which tells its cases and their statuses; leave --changes out, or name a log of cases first")
    told = replace(told, timezone=proposal.timezone)
    with sniffed(answers.changes, proposal.timezone, Written()) as audit:
        changes = propose_changes(audit, told, name, asking)
        show_log(asking.console, audit, changes)
        _require_same_cases(log, proposal, audit, changes, asking)
        return _files_of(f"{name}_changes", audit, changes), changes


def _require_same_cases(log: Log, proposal: LogProposal, audit: Log, changes: LogProposal, asking: Asking) -> None:
    """Changes of cases that the log does not have count nowhere."""
    known = {case for (case,) in log.select(f"select distinct {log.key(proposal.columns['case_id'])} from log")}
    found = [case for (case,) in audit.select(f"select distinct {audit.key(changes.columns['case_id'])} as c from log where c is not null order by c")]
    lost = [case for case in found if case not in known]
    if len(lost) == len(found):
        shown = ", ".join(literal(case) for case in found[:3])
        others = [name for name, column in log.columns.items() if log.select(f"select 1 from log where {column.sql} in ({shown}) limit 1")] if shown else []
        way = f"; column {others[0]!r} of {log.files[0]} has such ids: --column 'case_id={others[0]}'" if others else ""
        raise OpslaError(
            f"{audit.files[0]}: none of its {counted(len(found), 'case')} (column {changes.columns['case_id']!r}: {', '.join(found[:3])}) is in {log.files[0]} (column "
            f"{proposal.columns['case_id']!r}). They are no changes of its cases, or their ids are written otherwise{way}"
        )
    if lost:
        asking.warn(f"{len(lost):,} of {counted(len(found), 'case')} of {audit.files[0]} are not in {log.files[0]} ({', '.join(lost[:3])}): their changes are in no table.")


def _agreed_proposal(name: str, log: Log, told: Told, directory: Path, asking: Asking) -> tuple[LogProposal, list[Rejects]] | None:
    """The proposal, shown with what it rejects and three cases, and changed until the person agrees; None where there is nothing left to change.

    Raises OpslaError where nobody can be asked and the figures would say nothing.
    """
    while True:
        proposal = propose(log, told, asking)
        show_log(asking.console, log, proposal)
        if not proposal.problems:
            found = _files_of(name, log, proposal)
            rejects = _rejects_told(_documents(found, proposal, directory), found, asking)
            asking.say("Three cases, as they are read:" if log.rows > 1 else "As it is read:")
            for line in lines_of(time_lines(log, proposal)):
                asking.say(f"  {line}")
            if asking.agreed(f"Does this look right? Then {directory} is written."):
                return proposal, rejects
        elif not asking.is_allowed:
            raise OpslaError("\n".join(proposal.problems))
        for problem in proposal.problems:
            asking.warn(problem)
        change = asking.optional("What is to be changed (FIELD=COLUMN or WORD=STATUS; empty: give up)", partial(_change_problem, log, proposal))
        if change is None:
            return None
        told = _changed(told, proposal, change)


def _change_problem(log: Log, proposal: LogProposal, text: str) -> str | None:
    left, _, right = text.rpartition("=")
    if right in log.columns and left in (*FIELDS, *DUE_FIELDS, *Signal):
        return None
    if left in proposal.fields and (right.lower() in (*CHANGED_FIELDS, OPENED) or right.upper() == IGNORE):
        return None
    words = {spelled_alike(word) for word in (*proposal.statuses, *proposal.ignored, *proposal.unplaced)}
    if spelled_alike(left) in words and right.upper() in {*Signal, IGNORE}:
        return None
    return f"{text!r} is neither FIELD=COLUMN (columns: {listed(list(log.columns))}) nor WORD=STATUS ({', '.join(Signal)}, {IGNORE})"


def _changed(told: Told, proposal: LogProposal, change: str) -> Told:
    """What is told from now on: the answers so far, and the change."""
    left, _, right = change.rpartition("=")
    so_far = replace(
        told, time_format=told.time_format, timezone=proposal.timezone, empty_cells=told.empty_cells or proposal.empty_cells, is_second_look=True,
    )
    if left in (*FIELDS, *DUE_FIELDS, *Signal):
        columns = {**told.columns, left: right}
        return replace(so_far, columns=columns, statuses={} if left == "status" else told.statuses)
    if left in proposal.fields and (right.lower() in (*CHANGED_FIELDS, OPENED) or right.upper() == IGNORE):
        return replace(so_far, fields={**proposal.fields, left: IGNORE if right.upper() == IGNORE else right.lower()})
    placed: dict[str, Meaning] = {**proposal.statuses, **dict.fromkeys(proposal.ignored, "IGNORE")}
    known = {word: meaning for word, meaning in placed.items() if spelled_alike(word) != spelled_alike(left)}
    return replace(so_far, statuses={**known, left: "IGNORE" if right.upper() == IGNORE else Signal(right.upper())})


def _empty_cells(text: str | None) -> EmptyCells | None:
    if text == "cleared" or text == "unchanged":
        return "cleared" if text == "cleared" else "unchanged"
    if text is not None:
        raise OpslaError(f"--empty-cells {text}: write cleared (an empty cell is a change to none) or unchanged (it tells nothing)")
    return None


def _too_little_placed(lost: float, proposal: LogProposal, directory: Path) -> str:
    """What to do before the first run; `lost` is the share of the records without a usable status, 0-1."""
    if not proposal.unplaced:
        return (
            f"{rounded(100 * lost)}% of the records have no status: is {proposal.columns['status']!r} the right column? Remove {directory} and name another "
            f"one with --column status=COLUMN; or raise pct_rejected_rows in {directory / 'quality_gates.yml'}, then `opsla run`"
        )
    none = "no status, or " if proposal.without_status else ""
    return (
        f"{rounded(100 * lost)}% of the records have {none}a status that is not mapped ({', '.join(proposal.unplaced)}): fill in `statuses` in "
        f"{directory / 'sources.yml'}, then `opsla run`; or clear the directory away and say them with --status WORD=STATUS"
    )


@contextmanager
def _told_apart(answers: Answers, asking: Asking) -> Iterator[Log]:
    """The log; which of several tables it is is asked for. Raises OpslaError as `sniffed` does."""
    written = Written(sheet=answers.sheet, records=answers.records, header_row=answers.header_row)
    with ExitStack() as stack:
        try:
            log = stack.enter_context(sniffed(answers.files, answers.timezone, written))
        except SeveralTables as several:
            if not asking.is_allowed:
                raise
            choice = asking.value(f"{several}. Which one", several.choices[0], f"--{several.field}", partial(_no_choice, several))
            written = replace(written, sheet=choice) if several.field == "sheet" else replace(written, records=choice)
            log = stack.enter_context(sniffed(answers.files, answers.timezone, written))
        yield log


def _no_choice(several: SeveralTables, text: str) -> str | None:
    return None if text in several.choices else f"{text}: is none of {', '.join(several.choices)}"


def _account_documents(answers: Answers, asking: Asking) -> dict[str, str]:
    account = _account(answers)
    require_variables(account)
    require_connection(account)
    asking.say(f"{account.address} answers.")
    show_account(asking.console, account.all_statuses)
    schedule = default_schedule(account)
    timezone = answers.timezone or asking.value(ZONE_QUESTION, schedule[1].zone if schedule else "UTC", "--timezone", zone_problem)
    if schedule is None and answers.timezone is None and not asking.is_allowed:
        asking.warn(ZONE_ASSUMED)
    timezone, warning = settled_zone(timezone, asking)
    if warning is not None:
        asking.warn(warning)
    schedule = _of_the_desk(schedule, timezone, asking)
    today = datetime.now(UTC).date()
    usual = str(today - (_FIRST_DAYS - 1) * ONE_DAY)
    start_date = answers.start_date or date.fromisoformat(asking.value("First day to load", usual, "--start-date", _no_date))
    asking.say(f"Loaded will be what was opened from {start_date} on (--start-date); an earlier day later on wants a fresh home.")
    policies = sla_policies_of(account)
    for told in settings_told(policies):
        asking.say(f"{told}.")
    return account_documents(account, timezone, start_date, today, schedule, policies)


def _of_the_desk(schedule: tuple[str, Calendar] | None, timezone: str, asking: Asking) -> tuple[str, Calendar] | None:
    """The account's default schedule, if the desk can go by it; says where its hours come from."""
    if schedule is None:
        asking.say("The desk's hours are an assumption, to be replaced in calendars.yml: the account tells none.")
        return None
    name, calendar = schedule
    if calendar.zone != timezone:
        asking.warn(
            f"The desk's hours are an assumption, to be replaced in calendars.yml: the account's default schedule {name} is of "
            f"{calendar.zone}, not of {timezone} (--timezone)."
        )
        return None
    asking.say(f"The desk's zone, hours and holidays are those of the account's default schedule {name}.")
    return schedule


def _no_date(text: str) -> str | None:
    try:
        date.fromisoformat(text)
    except ValueError:
        return f"{text!r} is no date; write it as 2025-07-01"
    return None


def _account(answers: Answers) -> Account:
    for flag, told in (("--column", answers.columns), ("--status", answers.statuses), ("--field", answers.fields), ("--changes", answers.changes), ("--time-format", answers.time_format)):
        if told:
            raise OpslaError(f"{flag} is for logs; an account's own words are in sources.yml")
    variables = {"pseudonym_key_variable": answers.key_variable}
    if answers.zendesk is not None:
        variables.update(email_variable=answers.email_variable, token_variable=answers.token_variable or "ZENDESK_TOKEN")
        return zendesk_account(answers.zendesk, answers.name, answers.base_url, variables)
    variables.update(token_variable=answers.token_variable or "INTERCOM_TOKEN")
    return intercom_account(answers.name, answers.base_url, variables)


def source_name(name: str | None, file: Path) -> str:
    """As told, else the file's own name as far as a source can be called so."""
    if name is not None:
        if plain_name(name) != name or not name[0].isalpha():
            raise OpslaError(f"--name {name}: a name is lower case letters, digits and _, and begins with a letter")
        return name
    plain = plain_name(file.name.split(".")[0])
    return plain if plain and plain[0].isalpha() else f"log_{plain}".rstrip("_")


def told_of(columns: Sequence[str], statuses: Sequence[str]) -> tuple[dict[str, str], dict[str, Meaning]]:
    """FIELD=COLUMN and WORD=STATUS as mappings. Raises OpslaError for other forms."""
    for flag, form, texts in (("--column", "FIELD=COLUMN", columns), ("--status", "WORD=STATUS", statuses)):
        for text in texts:
            if not all(text.partition("=")[::2]):
                raise OpslaError(f"{flag} {text}: write {form}")
    meanings: dict[str, Meaning] = {}
    for text in statuses:
        word, _, status = text.rpartition("=")
        if status.upper() not in {*Signal.__members__, IGNORE}:
            raise OpslaError(f"--status {text}: {status!r} is no status; one of {', '.join(Signal)}, or {IGNORE}")
        meanings[word] = "IGNORE" if status.upper() == IGNORE else Signal(status.upper())
    return {field: column for field, _, column in (text.partition("=") for text in columns)}, meanings


def fields_of(fields: Sequence[str]) -> dict[str, str]:
    """WORD=MEANING as a mapping. Raises OpslaError for other forms."""
    meanings: dict[str, str] = {}
    for text in fields:
        word, _, meaning = text.rpartition("=")
        if not word:
            raise OpslaError(f"--field {text}: write WORD=MEANING")
        if meaning.lower() not in (*CHANGED_FIELDS, OPENED) and meaning.upper() != IGNORE:
            raise OpslaError(f"--field {text}: {meaning!r} is no field of a case; one of {', '.join((*CHANGED_FIELDS, OPENED))}, or {IGNORE}")
        meanings[word] = IGNORE if meaning.upper() == IGNORE else meaning.lower()
    return meanings


def first_window(settings: Settings, as_of_at: datetime) -> tuple[Window, str]:
    """The last intake dates that hold cases, and a case of them with many events. Raises OpslaError where there is none."""
    desk = build_desk(settings)
    states = desk.partition_states(desk.window(as_of_at), as_of_at)
    days = sorted(set(states["intake_date"].to_pylist()))[-_FIRST_DAYS:]
    if not days:
        rejected = desk.rejected_rows()
        reasons = sorted(set(rejected["reason"].to_pylist()))[:3]
        why = f": {'; '.join(reasons)}" if reasons else ""
        start_date = settings.sources.desk.start_date
        doubtful = "an earlier desk.start_date, perhaps" if start_date <= as_of_at.date() else "the first stamp lies in the future: how stamps are read, time.format, perhaps"
        raise OpslaError(
            f"{settings.config_directory}: no case is known by {as_of_at}Z from {start_date} on{why}. Look at sources.yml ({doubtful}), then `opsla run`"
        )
    window = Window(days[0], days[-1] + ONE_DAY)
    events = Counter(desk.events(window, as_of_at)["case_id"].to_pylist())
    return window, events.most_common(1)[0][0]


def finish_first_run(settings: Settings, directory: Path) -> None:
    """The attempt is a desk from now on. Raises OpslaError where the figures of its first run say nothing."""
    titles = {name: metric.title for name, metric in settings.sla_policies.metrics.items()}
    is_log = any(isinstance(source, EventLogSettings) for source in settings.sources.sources)
    with reading(settings.home.warehouse) as connection:
        timeless = timeless_promises(connection, titles) if is_log else []
    if timeless:
        raise OpslaError(
            f"{timeless_text(timeless, directory)}\nThat is why init ends with an error although the run above went through: {directory} is written "
            "and stays an unfinished attempt, which init writes over if it is called again."
        )
    finish(directory)

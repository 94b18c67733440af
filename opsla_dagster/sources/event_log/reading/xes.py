"""An XES log (IEEE 1849, process mining) as table raw_<number>: one row an event, with the attributes of its trace.

Belongs here: traces and events as records, attributes as text. Does not belong here: what an attribute means.

Columns are called as pm4py calls them: an event's attribute by its key, a trace's with `case:` before it. The file is read as it comes;
of the tree no more than one trace is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import duckdb
from defusedxml import DefusedXmlException, ElementTree

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log.files import LogFile
from opsla_dagster.sources.event_log.mapping import RawColumn
from opsla_dagster.sources.event_log.reading.content import unpacked
from opsla_dagster.sources.event_log.reading.tables import Loaded, RecordTable

#: Elements in elements: log, trace, event, and attributes of attributes.
MOST_LEVELS = 32
#: Events of one trace, which are held until it ends: its attributes may stand behind them.
MOST_EVENTS_OF_A_TRACE = 1_000_000
_CASE = "case:"
_DATE = "date"
_LISTS = ("list", "container", "values")

def load_xes(connection: duckdb.DuckDBPyConnection, number: int, file: LogFile) -> Loaded:
    """Loads the events as table raw_<number>; a row's number is the event's place in the file. Raises OpslaError for broken XML."""
    table = RecordTable(connection, number, file.name)
    kinds: dict[str, set[str]] = {}
    with unpacked(file) as stream:
        try:
            for trace in _traces(file.name, stream):
                _add_events(table, trace, kinds)
        except DefusedXmlException as error:
            raise OpslaError(
                f"{file.name}: declares a document type or entities of its own ({error}), which can blow up to any size; XES has none: export it anew"
            ) from error
        except (ParseError, ValueError, LookupError) as error:
            raise OpslaError(f"{file.name}: broken XML: {error}; write or fetch the file again") from error
    table.close()
    columns = [RawColumn(name, f"c{place}", is_stamp=kinds.get(name) == {_DATE}) for place, name in enumerate(table.columns)]
    return Loaded(file, "xes", columns, table.first_row, table.records, leaves_out_empty=True)


def _traces(name: str, stream: Any) -> Iterator[Element]:
    """The traces, each when it is whole; an event outside of one as a trace of its own, without attributes."""
    parents: list[Element] = []
    events = 0
    for when, element in ElementTree.iterparse(stream, events=("start", "end"), forbid_dtd=True):
        if when == "start":
            parents.append(element)
            if len(parents) > MOST_LEVELS:
                raise OpslaError(f"{name}: has more than {MOST_LEVELS} levels of elements; XES has log, trace, event and attributes")
            continue
        parents.pop()
        tag = _tag(element)
        events += tag == "event"
        if events > MOST_EVENTS_OF_A_TRACE:
            raise OpslaError(f"{name}: has a trace of more than {MOST_EVENTS_OF_A_TRACE:,} events; is it one case?")
        if len(parents) != 1:
            continue
        if tag == "trace":
            yield element
        elif tag == "event":
            lone = Element("trace")
            lone.append(element)
            yield lone
        events = 0
        parents[0].clear()


def _tag(element: Element) -> str:
    """The tag without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _add_events(table: RecordTable, trace: Element, kinds: dict[str, set[str]]) -> None:
    of_case: dict[str, tuple[str | None, str]] = {}
    problem = _problem_of(trace, _CASE, of_case)
    for event in trace:
        if _tag(event) != "event":
            continue
        cells = dict(of_case)
        wrong = _problem_of(event, "", cells) or problem
        if wrong is not None:
            table.add_unreadable(wrong, ElementTree.tostring(event, encoding="unicode").strip())
            continue
        table.add({name: text for name, (text, _) in cells.items()})
        for name, (text, kind) in cells.items():
            if text is not None:
                kinds.setdefault(name, set()).add(kind)
            else:
                kinds.setdefault(name, set())


def _problem_of(owner: Element, path: str, cells: dict[str, tuple[str | None, str]]) -> str | None:
    """Puts the attributes of a trace, an event or an attribute into `cells` by name, with value and type; what is wrong with them, if anything."""
    for attribute in owner:
        tag, key = _tag(attribute), attribute.get("key")
        if tag in ("event", "values") or (key is None and tag not in _LISTS):
            continue
        name = f"{path}{key}"
        if name in cells:
            return f"the attribute {name} appears twice"
        if tag in _LISTS:
            cells[name] = (_joined(attribute), tag)
            continue
        cells[name] = (attribute.get("value"), tag)
        problem = _problem_of(attribute, f"{name}.", cells)
        if problem is not None:
            return problem
    return None


def _joined(attribute: Element) -> str:
    """The values of a list, joined by blanks, as tags are."""
    values = [inner.get("value", "") for inner in attribute.iter() if inner is not attribute and inner.get("value")]
    return " ".join("_".join(value.split()) for value in values)

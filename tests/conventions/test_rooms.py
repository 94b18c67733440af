"""Rooms look only downwards, and nothing goes in circles: docs/decisions/0010-rooms.md."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from house import MODULE_FILES, PACKAGE, REPOSITORY, module_tree, named

#: From the top down. A room may look into the rooms of lower storeys and into itself, never at its neighbours.
STOREYS: list[set[str]] = [
    {"cli", "definitions"},
    {"running", "health", "center", "progress", "command_help"},
    {"build"},
    {"automation", "reporting", "starting"},
    {"assets"},
    {"checks", "risk_model"},
    {"sources"},
    {"warehouse", "instance"},
    {"catalog", "calendars", "minute_spine", "worklist"},
    {"staffing"},
    {"settings"},
    {"status", "window", "secrets", "shipped", "terminal", "interrupts", "small_store"},
    {"errors"},
    {"printable", "figures", "identity", "forecasting", "queueing"},
]
STOREY = {room: number for number, rooms in enumerate(STOREYS) for room in rooms}

#: Modules that are also programs: what their functions import when run is not what the room rests on.
PROGRAMS = {"opsla_dagster.catalog.dictionary": "writes down the checks too, and asks for those of each asset"}


def module_name(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in MODULE_FILES}


def room_of(module: str) -> str:
    return module.split(".")[1]


def imports_of(module: str) -> Iterator[tuple[str, int]]:
    """The modules of this package that a module imports, anywhere in it, with the line."""
    tree = module_tree(MODULES[module])
    for node in tree.body if module in PROGRAMS else ast.walk(tree):
        match node:
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.ImportFrom():
                assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
                names = [node.module or ""]
                names += [name for alias in node.names if (name := f"{node.module}.{alias.name}") in MODULES]
            case _:
                continue
        yield from ((name, node.lineno) for name in names if name in MODULES and name != PACKAGE.name)


def inner(module: str) -> bool:
    return "." in module


def test_every_room_has_its_place() -> None:
    rooms = {room_of(module) for module in MODULES if inner(module)}
    assert rooms == set(STOREY), "a new room goes into STOREYS here and into docs/decisions/0010-rooms.md"


def test_rooms_look_only_downwards() -> None:
    wrong = [
        f"{named(MODULES[module])}:{line} imports {other}"
        for module in MODULES
        if inner(module)
        for other, line in imports_of(module)
        if room_of(other) != room_of(module) and STOREY[room_of(other)] <= STOREY[room_of(module)]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {module: {other for other, _ in imports_of(module)} - {module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


def test_the_minute_spine_shares_nothing_with_what_it_witnesses() -> None:
    assert "opsla_dagster.calendars" not in {other for other, _ in imports_of("opsla_dagster.minute_spine")}


def test_imports_inside_functions_are_seen_too() -> None:
    assert "opsla_dagster.running" in {other for other, _ in imports_of("opsla_dagster.cli.carrying_out")}


def test_the_decision_record_shows_the_same_storeys() -> None:
    record = (REPOSITORY / "docs" / "decisions" / "0010-rooms.md").read_text(encoding="utf-8")
    drawn = [set(line.split("  ")[0].replace(",", " ").split()) for line in record.split("```")[1].strip().splitlines()]
    assert drawn == STOREYS

"""Whatever is written, marked, cleared away and looked at in which order: what is read was whole at a marker, and is the latest such."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from dropping import HEAD, NOW, Drops
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from small_desk import desk_settings

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings

#: What the writer does, with which file; a correct one ends what it has begun before it marks.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.sampled_from("ab")), st.tuples(st.just("end"), st.sampled_from("ab")), st.tuples(st.just("mark"), st.sampled_from("xy")),
        st.tuples(st.just("clear"), st.just("")), st.tuples(st.just("look"), st.just("")),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return desk_settings(tmp_path_factory.mktemp("desk"), cases=100, gates=False)


@settings(max_examples=examples(20), deadline=None)
@given(steps=STEPS)
def test_what_is_read_was_whole_at_a_marker(base: Settings, steps: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        drops = Drops(base, Path(directory))
        there: dict[str, str] = {}
        begun: dict[str, str] = {}
        marked: dict[str, set[str]] = {}
        at_marker: dict[str, str] | None = None
        for number, (step, what) in enumerate([*steps, ("look", "")]):
            at = NOW + 100 * number
            if step == "begin":
                begun[what] = f"{HEAD}{what}{number},New,2025-07-01 14:00:00\n"
                drops.file(f"{what}.csv", begun[what][:-20], at)
                there.pop(what, None)
                at_marker = None if at_marker is not None and what in at_marker else at_marker
            elif step == "end" and what in begun:
                there[what] = begun.pop(what)
                drops.file(f"{what}.csv", there[what], at)
                at_marker = None if at_marker is not None and what in at_marker else at_marker
            elif step == "mark" and there and not begun:
                drops.marker(f"{what}.ready", at=at)
                at_marker = dict(there)
                for name, text in there.items():
                    marked.setdefault(name, set()).add(text)
            elif step == "clear" and not begun:
                for path in drops.folder.glob("*.csv"):
                    path.unlink()
                there, at_marker = {}, None
            elif step == "look":
                drops.look(at)
                try:
                    read = {name.removesuffix(".csv"): text for name, text in drops.read().items()}
                except OpslaError:
                    read = {}
                assert all(text in marked[name] for name, text in read.items()), "half of a file, or one that no marker stood for"
                if at_marker is not None:
                    assert read.items() >= at_marker.items(), "the last marker's files, as they were then"

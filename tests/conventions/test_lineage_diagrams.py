"""docs/lineage.md shows the asset graph as it is: one diagram a mart."""

from __future__ import annotations

import re

from opsla_dagster.assets.diagrams import DOCUMENT, diagram, document
from opsla_dagster.catalog import TABLES


def test_the_diagrams_are_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make docs`"


def test_every_mart_has_its_diagram() -> None:
    assert re.findall(r"^### (\S+)$", document(), re.MULTILINE) == [name for name in TABLES if name.startswith("mart.")]


def test_a_diagram_leads_from_what_was_loaded_to_the_mart() -> None:
    lines = diagram("mart.bounce_pairs").splitlines()
    assert "  staging_handoff_pairs --> mart_bounce_pairs" in lines
    assert "  raw_cases --> staging_case_milestones" in lines
    arrows = [line.split(" --> ") for line in lines if "-->" in line]
    drawn = {line.split("[")[0].strip() for line in lines if line.startswith("    ")}
    assert {end.strip() for arrow in arrows for end in arrow} <= drawn

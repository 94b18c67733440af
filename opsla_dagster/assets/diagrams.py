"""docs/lineage.md: what each mart is made from, as a Mermaid diagram of the asset graph.

Belongs here: the document, which `make docs` writes and a test holds current. Does not belong here: what a table reads (assets/graph.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from opsla_dagster.assets.factory import TableAsset
from opsla_dagster.assets.graph import TABLE_ASSETS, upstream
from opsla_dagster.catalog import AREA_OF

DOCUMENT = Path(__file__).parents[2] / "docs" / "lineage.md"
#: Layers and the brief's names for them (docs/ownership.md).
_LAYERS = {"raw": "raw (bronze)", "staging": "staging (silver)", "ops": "ops", "mart": "mart (gold)"}
_HEAD = """# Lineage of the marts

What each mart is made from, down to what was loaded. Generated from the asset graph by `make docs`; do not edit.
The same, column by column, is in the Dagster UI; every table's columns are in the [data dictionary](data_dictionary.md).
"""


def document(tables: Mapping[str, TableAsset] = TABLE_ASSETS) -> str:
    """The whole of docs/lineage.md: one diagram a mart, by area."""
    marts = [name for name in tables if name.startswith("mart.")]
    areas = dict.fromkeys(AREA_OF[name].name for name in marts)
    return "\n".join([_HEAD, *(part for area in areas for part in _area(area, [name for name in marts if AREA_OF[name].name == area], tables))])


def _area(area: str, marts: list[str], tables: Mapping[str, TableAsset]) -> Iterator[str]:
    yield f"## {area}\n"
    for mart in marts:
        yield f"### {mart}\n\n```mermaid\n{diagram(mart, tables)}\n```\n"


def diagram(mart: str, tables: Mapping[str, TableAsset] = TABLE_ASSETS) -> str:
    """The tables that `mart` is made from, and those that they are made from, from left to right; an arrow leads to what is made."""
    found = upstream(tables, mart)
    lines = ["flowchart LR"]
    for layer, title in _LAYERS.items():
        held = sorted(name for name in found if name.split(".")[0] == layer)
        if held:
            lines += [f'  subgraph {layer}["{title}"]', *(f'    {_node(name)}["{name.split(".")[1]}"]' for name in held), "  end"]
    lines += [f"  {_node(dep)} --> {_node(name)}" for name in sorted(found) for dep in found[name]]
    return "\n".join(lines)


def _node(name: str) -> str:
    return name.replace(".", "_")


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")

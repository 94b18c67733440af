"""A snapshot of the asset graph: whoever changes its shape sees how far the change reaches.

Renew it with `python tests/conventions/test_asset_graph.py` and look at the difference before it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from house import REPOSITORY, named

from opsla_dagster.build import build_definitions
from opsla_dagster.settings import load_settings

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")


def asset_graph() -> str:
    """One line an asset: its key, group, kind of partitions, what it is made from, and its checks."""
    graph = build_definitions(load_settings(REPOSITORY / "config")).resolve_asset_graph()
    return "\n".join(sorted(lines_of(graph))) + "\n"


def lines_of(graph: dg.AssetGraph) -> Iterator[str]:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        parts = {
            "group": node.group_name or "",
            "partitions": "daily" if node.is_partitioned else "none",
            "from": ",".join(sorted(parent.to_user_string() for parent in node.parent_keys)) or "-",
            "checks": ",".join(sorted(check.name for check in node.check_keys)) or "-",
        }
        yield " ".join([node.key.to_user_string(), *(f"{name}={value}" for name, value in parts.items())])


def test_the_asset_graph_is_the_one_of_the_snapshot() -> None:
    stored = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    now = asset_graph().splitlines()
    changes = [f"- {line}" for line in stored if line not in now] + [f"+ {line}" for line in now if line not in stored]
    renew = f"meant so? python {named(Path(__file__))} writes {named(SNAPSHOT)} anew"
    assert not changes, "\n".join(["the asset graph changed:", *changes, renew])


if __name__ == "__main__":
    SNAPSHOT.write_text(asset_graph(), encoding="utf-8")

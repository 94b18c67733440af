"""The first screen of the command centre as a Streamlit page: the same figures from the same SELECTs.

    pip install 'opsla[streamlit]'
    streamlit run examples/support_command_center.py

It shows the home of $OPSLA_HOME with the configuration of $OPSLA_CONFIG, as `opsla center` does. An example to start a page of one's own from: the
command centre itself does more, needs less, and can be used without scripts.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from opsla_dagster.center.address import RefusedAddress, State
from opsla_dagster.center.model import Grid, Page, written
from opsla_dagster.center.pages.now import now_page
from opsla_dagster.center.publication import Publications
from opsla_dagster.center.view import View
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings

ALL = "all queues"


@st.cache_resource
def publications() -> Publications:
    """The published marts of the home, followed as runs publish."""
    settings = load_settings()
    return Publications(settings.home, settings)


def table(grid: Grid, zone: str) -> None:
    """One table of the page, values written as the command centre writes them."""
    st.subheader(grid.title)
    if not grid.rows:
        st.info(grid.empty)
        return
    st.dataframe([{column.label: column.written(row, zone) for column in grid.columns} for row in grid.rows], hide_index=True)


def lines(page: Page, key: str, columns: dict[str, str]) -> None:
    """One chart of the page, drawn by Streamlit from the table behind it."""
    drawing = page.drawing(key)
    if drawing is not None and drawing.grid is not None:
        st.subheader(drawing.title)
        rows: list[dict[str, Any]] = [{"date": row["calendar_date"], **{label: row[name] for name, label in columns.items()}} for row in drawing.grid.rows]
        st.line_chart(rows, x="date", y=list(columns.values()))


def main() -> None:
    """The page."""
    st.set_page_config(page_title="Support command centre", layout="wide")
    try:
        with publications().newest() as publication:
            show(View(publication, publication.connection.cursor(), State()))
    except (OpslaError, RefusedAddress) as problem:
        st.error(str(problem))


def show(view: View) -> None:
    """The desk, or one of its queues, at the instant chosen."""
    now_at: datetime = view.now["now_at"]
    zone = ZoneInfo(view.zone)
    queue = st.sidebar.selectbox("Queue", [ALL, *view.queues])
    hours = st.sidebar.slider("Hours before now", 0, 24 * 28, 0)
    at = now_at - timedelta(hours=hours)
    chosen = View(view.publication, view.connection, State(at=at if hours else None, queue=None if queue == ALL else queue))
    chosen.require_instant()
    page = now_page(chosen)
    st.title(f"{'The desk' if queue == ALL else queue}: {page.context['health']['health']}")
    st.caption(f"{'As the log knows today, at' if hours else 'Now is'} {at.replace(tzinfo=UTC).astimezone(zone):%A, %d %B %Y, %H:%M} ({view.zone})")
    for place, figure in zip(st.columns(len(page.figures)), page.figures, strict=True):
        place.metric(figure.label, written(figure.value, figure.kind, view.zone), help="; ".join(figure.notes) or None)
    for grid in page.grids:
        table(grid, view.zone)
    lines(page, "arrivals", {"arrived_cases": "arrived", "gone_cases": "gone"})
    lines(page, "debt", {"debt_hours": "debt, hours"})


main()

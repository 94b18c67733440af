"""One case, explained: what happened, and for each clock which seconds counted.

Belongs here: finding the case. Does not belong here: the account (reporting/explain.py) and its picture (reporting/explain_picture.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from opsla_dagster.center.address import RefusedAddress
from opsla_dagster.center.model import Page
from opsla_dagster.center.view import View
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.explain import explain
from opsla_dagster.reporting.explain_picture import picture
from opsla_dagster.reporting.explanation import Explanation
from opsla_dagster.sources.event_log.mapping import bare_id


def explained(view: View, case_id: str) -> Explanation:
    """The account of a case. Raises RefusedAddress (404) for one that is not there, with those it may be meant for."""
    case_id = bare_id(case_id)
    if not view.rows("case", case_id=case_id):
        like = [row["case_id"] for row in view.rows("case_suggestions", case_id=case_id)]
        hint = f"; did you mean {', '.join(like)}?" if like else ""
        raise RefusedAddress(f"id={case_id}: there is no such case{hint}", 404)
    return explain(view.connection, case_id, view.settings)


def case(view: View, case_id: str) -> Page:
    """The page of a case."""
    explanation = explained(view, case_id)
    drawn = picture(explanation)
    return Page(
        template="case.html.j2",
        title=f"Case {explanation.case_id}",
        context={**drawn, **_later(view, explanation, drawn), "ticket_url": view.ticket_url(explanation.source, explanation.case_id), "shown_at": _shown_at(view)},
    )


def _later(view: View, explanation: Explanation, drawn: Mapping[str, Any]) -> dict[str, object]:
    """What the account tells of after the instant of the address, marked as such: a case that is open in every list may have ended since."""
    mark = "after now" if view.is_now else "after the instant shown"
    is_later = explanation.ended_at is not None and explanation.ended_at > view.at
    events = [
        (*told[:-1], "; ".join(filter(None, (told[-1], mark if event.at > view.at else "")))) for event, told in zip(explanation.events, drawn["events"], strict=True)
    ]
    open_at = f"{wording.local_instant(view.at, view.zone)} ({view.zone})" if is_later and explanation.intake_at <= view.at else ""
    return {"events": events, "ended": f"{drawn['ended']}, {mark}" if is_later else drawn["ended"], "open_at": open_at}


def _shown_at(view: View) -> str:
    """The instant of the address, which the account does not stop at; empty: now."""
    return "" if view.is_now else f"{wording.local_instant(view.at, view.zone)} ({view.zone})"


def case_json(view: View, case_id: str) -> dict[str, object]:
    """The account as `opsla explain --json` gives it."""
    found: dict[str, object] = json.loads(explained(view, case_id).to_json())
    return found

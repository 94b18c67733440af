"""What somebody writes as a target, "first reply 95%" or "first_touch 90 % within 1h", as a promise of this desk and an objective.

Belongs here: reading it. Does not belong here: whether it can be kept (planning.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.base import parse_duration
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings

_OBJECTIVE = re.compile(r"(?<![\w.])(-?\d+(?:[.,]\d+)?)\s*(?:%|percent\b|per cent\b)", re.IGNORECASE)
_WITHIN = re.compile(r"\b(?:within|in)\s+(\d.*)$", re.IGNORECASE)
#: Words for the first answer of the desk, however a desk measures it.
_FIRST_ANSWERS = {"first reply", "first response", "first touch", "first answer", "reply", "response", "frt"}
_FILLING = {"sla", "of", "the", "for", "a", "b", "time", "kept", "met", "promise"}


@dataclass(frozen=True)
class Target:
    """A metric, the policies it is asked of (empty: all that promise it), the objective and, where asked for, another target.

    `remark`: what was understood, where that was not what was written word for word.
    """

    metric: str
    policies: tuple[str, ...]
    objective_pct: float
    within_seconds: float | None
    remark: str | None = None


def parse_target(
    text: str, promised: Sequence[tuple[str, str]], objectives: Mapping[tuple[str, str], float | None], responses: Sequence[str], policies: SlaPoliciesSettings
) -> Target:
    """The promise that `text` means; `promised` are (metric, policy) that the log has clocks of, `responses` the metrics that a first answer keeps.

    Raises OpslaError naming the promises that there are.
    """
    rest, objective = _objective(text)
    rest, within = _within(text, rest)
    words = _plain(rest)
    metric, policy, remark = _metric(text, words, promised, responses, policies)
    asked = (policy,) if policy else ()
    if objective is None:
        known = [objectives.get((metric, name)) for each, name in promised if each == metric and (not asked or name in asked)]
        told = [percent for percent in known if percent is not None]
        if not told:
            raise OpslaError(f'--target "{text}": says no objective, and sla_policies.yml has none for it; write "{_shown(metric)} 95%"')
        objective = max(told)
    return Target(metric, asked, objective, within, remark)


def _objective(text: str) -> tuple[str, float | None]:
    found = _OBJECTIVE.findall(text)
    if len(found) > 1:
        raise OpslaError(f'--target "{text}": {len(found)} percentages found, one expected, such as "first reply 95%"')
    if not found:
        return text, None
    percent = float(found[0].replace(",", "."))
    if not 0 < percent < 100:
        raise OpslaError(f'--target "{text}": {found[0]}% found; an objective lies between 0% and 100%, and no number of heads keeps 100% of the weeks')
    return _OBJECTIVE.sub(" ", text), percent


def _within(text: str, rest: str) -> tuple[str, float | None]:
    match = _WITHIN.search(rest)
    if not match:
        return rest, None
    try:
        seconds = parse_duration(match[1].strip(), day_seconds=0)
    except ValueError as error:
        raise OpslaError(f'--target "{text}": within {error}') from None
    if seconds <= 0:
        raise OpslaError(f'--target "{text}": within {match[1].strip()} found; write the open time in hours and minutes, such as 8h or 30m (a day has as many hours as its calendar)')
    return rest[: match.start()], float(seconds)


def _plain(text: str) -> str:
    words = re.sub(r"[^\w/]+", " ", text.replace("_", " ").lower(), flags=re.UNICODE).split()
    return " ".join(words)


def _essential(text: str) -> str:
    return " ".join(word for word in text.split() if word not in _FILLING)


def _shown(metric: str) -> str:
    return metric.replace("_", " ")


def _metric(
    text: str, words: str, promised: Sequence[tuple[str, str]], responses: Sequence[str], policies: SlaPoliciesSettings
) -> tuple[str, str | None, str | None]:
    """Metric, policy where one is named, and what was understood."""
    policy, _, named = words.rpartition("/")
    policy, named = policy.strip(), named.strip()
    known = list(dict.fromkeys(metric for metric, _ in promised))
    of_policy = {_plain(name): name for _, name in promised}
    if policy and policy not in of_policy:
        raise OpslaError(f'--target "{text}": no policy is called {policy!r}; {_listed(promised, policies)}')
    titles = {metric: _titles(metric, policies) for metric in known}
    for ways in (lambda each: {each}, lambda each: {_essential(each)}):
        hits = [metric for metric in known if named and ways(named) & {way for title in titles[metric] for way in ways(title)}]
        if len(hits) == 1:
            return hits[0], of_policy.get(policy) if policy else None, None
    inside = [metric for metric in known if named and any(_essential(named) in title for title in titles[metric])] if _essential(named) else []
    if len(inside) == 1:
        return inside[0], of_policy.get(policy) if policy else None, None
    answering = [metric for metric in known if metric in responses]
    if _essential(named) in _FIRST_ANSWERS and len(answering) == 1:
        title = policies.metrics[answering[0]].title if answering[0] in policies.metrics else _shown(answering[0])
        remark = f'No promise here is called "{named}"; read as the desk\'s promise of a first answer, "{title}".'
        return answering[0], of_policy.get(policy) if policy else None, remark
    unplanned = [name for name in policies.metrics if name not in known and named in _titles(name, policies)]
    if unplanned:
        raise OpslaError(
            f'--target "{text}": heads cannot be planned for {unplanned[0]}: the log has no clock of it in the last weeks, or its clocks start later than the '
            f"case, while the simulation serves each case once, as it comes in; {_listed(promised, policies)}"
        )
    what = f"{named!r} could be {' or '.join(inside)}" if len(inside) > 1 else f"no promise is called {named!r}" if named else "names no promise"
    raise OpslaError(f'--target "{text}": {what}; {_listed(promised, policies)}')


def _titles(metric: str, policies: SlaPoliciesSettings) -> set[str]:
    """The ways in which a metric may be written."""
    ways = {_plain(metric)}
    if metric in policies.metrics:
        told = policies.metrics[metric]
        title = _plain(told.title)
        full = f"{title} {_plain(told.variant)}" if told.variant else title
        ways |= {full} if told.variant else {title, _plain(told.title.rpartition(":")[2])}
        if told.variant:
            ways.add(f"{_plain(told.title.rpartition(':')[2])} {_plain(told.variant)}")
    return ways


def _listed(promised: Sequence[tuple[str, str]], policies: SlaPoliciesSettings) -> str:
    known = list(dict.fromkeys(metric for metric, _ in promised))
    if not known:
        return "the log has no clock that starts as a case comes in, in its last weeks; `opsla run` loads cases, sla_policies.yml promises"
    shown = [f'"{_shown(metric)} 95%"' + (f" ({policies.metrics[metric].title})" if metric in policies.metrics else "") for metric in known]
    names = list(dict.fromkeys(policy for _, policy in promised))
    one_policy = f', of one policy "{names[0]}/{_shown(known[0])} 95%"' if len(names) > 1 else ""
    return f"write one of {', '.join(shown)}{one_policy}"

"""The flow of hand-offs as a picture: from whom on the left, to whom on the right, a band as thick as there are hand-offs.

Belongs here: which teams are drawn, and where. Does not belong here: how many hand-offs there are (mart.bounce_pairs).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from opsla_dagster.reporting import wording

#: (from, to, hand-offs, of which ping-pong: straight back, and not planned).
Pair = tuple[str, str, int, int]
#: Teams that are drawn by name; all others are one, so that 600 teams are as readable as 20.
MOST_TEAMS = 10
_GAP, _NODE, _LABEL, _LEAST = 6.0, 9.0, 12, 12.0


@dataclass(frozen=True)
class _Side:
    """Where each team's node begins, from the top, and how high it is."""

    tops: dict[str, float]
    heights: dict[str, float]


def flow_of(pairs: Sequence[Pair], most_teams: int = MOST_TEAMS) -> list[Pair]:
    """The pairs between the teams with most hand-offs; the others together are `N other teams`. Sums stay the same."""
    weight: Counter[str] = Counter()
    for giver, taker, count, _ in pairs:
        weight[giver] += count
        weight[taker] += count
    named = {team for team, _ in sorted(weight.items(), key=lambda item: (-item[1], item[0]))[:most_teams]}
    if len(weight) == len(named) + 1:
        named = set(weight)
    rest = f"{len(weight) - len(named)} other teams"
    counts: Counter[tuple[str, str]] = Counter()
    back: Counter[tuple[str, str]] = Counter()
    for giver, taker, count, returned in pairs:
        ends = (giver if giver in named else rest, taker if taker in named else rest)
        counts[ends] += count
        back[ends] += returned
    return [(*ends, count, back[ends]) for ends, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]


def draw_flow(pairs: Sequence[Pair], width: int, height: int, label: str) -> Markup:
    """The picture, as SVG; `label` is what it says, for who does not see it."""
    total = sum(count for _, _, count, _ in pairs)
    left, right = _side(pairs, 0, height), _side(pairs, 1, height)
    most = max((count for _, _, count, _ in pairs), default=1)
    used_left, used_right = dict(left.tops), dict(right.tops)
    x0, x1 = width * 0.3, width * 0.7
    bands, names = [], []
    order = {side: {team: number for number, team in enumerate(tops)} for side, tops in (("l", left.tops), ("r", right.tops))}
    for giver, taker, count, returned in sorted(pairs, key=lambda pair: (order["l"][pair[0]], order["r"][pair[1]])):
        thick_left, thick_right = left.heights[giver] * count / _sum(pairs, 0, giver), right.heights[taker] * count / _sum(pairs, 1, taker)
        y0, y1 = used_left[giver], used_right[taker]
        used_left[giver] += thick_left
        used_right[taker] += thick_right
        middle = (x0 + x1) / 2
        straight = f", {wording.count(returned)} of them ping-pong" if returned else ""
        words = f"{giver} to {taker}: {wording.count(count)} hand-offs ({wording.percent(100 * count / total, 1)}){straight}"
        tone = "tone-a" if returned * 4 >= count else "tone-b"
        path = (
            f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
            f"L{x1:.1f} {y1 + thick_right:.1f}C{middle:.1f} {y1 + thick_right:.1f} {middle:.1f} {y0 + thick_left:.1f} {x0:.1f} {y0 + thick_left:.1f}Z"
        )
        weak = " weak" if count * 12 < most else ""
        bands.append(f'<g><title>{escape(words)}</title><path class="band {tone}{weak}" d="{path}"/></g>')
    labels = labels_of([*left.tops, *right.tops], int(width * 0.3 / 6.6))
    for side, x, anchor, at in ((left, x0 - _NODE, "end", x0 - _NODE - 5), (right, x1, "start", x1 + _NODE + 5)):
        number = 0 if side is left else 1
        for team, top in side.tops.items():
            told = wording.count(_sum(pairs, number, team))
            names.append(
                f'<g><title>{escape(team)}: {told}</title><rect class="node" x="{x:.1f}" y="{top:.1f}" width="{_NODE}" height="{side.heights[team]:.1f}"/>'
                f'<text x="{at:.1f}" y="{top + side.heights[team] / 2 + 4:.1f}" text-anchor="{anchor}">{escape(labels[team])}</text></g>'
            )
    return Markup(
        f'<svg class="chart flow" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">{"".join(bands)}{"".join(names)}</svg>'
    )


def _side(pairs: Sequence[Pair], number: int, height: int) -> _Side:
    """The teams of one side from the top down, those with most first; each has room for its name."""
    weights: Counter[str] = Counter()
    for pair in pairs:
        weights[str(pair[number])] += pair[2]
    teams = [team for team, _ in sorted(weights.items(), key=lambda item: (" other teams" in item[0], -item[1], item[0]))]
    total = sum(weights.values()) or 1
    room = height - _GAP * (len(teams) - 1) - _LEAST * len(teams)
    tops, heights, y = {}, {}, 0.0
    for team in teams:
        tops[team], heights[team] = y, _LEAST + max(room, 0.0) * weights[team] / total
        y += heights[team] + _GAP
    return _Side(tops, heights)


def _sum(pairs: Sequence[Pair], number: int, team: str) -> int:
    return sum(pair[2] for pair in pairs if pair[number] == team)


def labels_of(teams: Sequence[str], characters: int) -> dict[str, str]:
    """Names that fit, no two of them alike: cut at the end, else in the middle (names often differ by what they end with), else numbered."""
    names = sorted(set(teams))
    for cut in (_cut_at_end, _cut_in_the_middle):
        found = {name: cut(name, characters) for name in names}
        if len(set(found.values())) == len(names):
            return found
    return {name: f"{_cut_at_end(name, characters - 4)} {number}" for number, name in enumerate(names, start=1)}


def _cut_at_end(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 1] + "…"


def _cut_in_the_middle(text: str, characters: int) -> str:
    tail = (characters - 1) // 2
    return text if len(text) <= characters else f"{text[: characters - 1 - tail]}…{text[-tail:]}"

"""Heads and promises: which heads keep a promise, by weekday and hour, and what a roster brings.

Belongs here: what a log tells of arrivals, touch times and heads, simulated weeks, the search of rosters, the replay of the past. Does not
belong here: the event loop and the closed forms (queueing/), staffing.yml (settings/), and how it is shown.

- `targets`: "first reply 95%" as a promise and an objective.
- `week`: a usual week of a queue, and weeks drawn from it.
- `outcome`: what a roster brings in those weeks.
- `search`: the roster with the fewest head-hours that keeps the objective.
- `desk_log`, `touch`: the past as arrays, and the touch time that its waits tell.
- `replay`: weeks of the past, predicted from the weeks before them.
- `to_green`: how long until nothing is past due.
- `made_from`: what the rows follow from, so that those of the same are kept.

Time is business seconds of the desk's calendar, as in queueing/. The rules: docs/decisions/0045-staffing.md.
"""

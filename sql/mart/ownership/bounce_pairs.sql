-- One row is one pair of teams: who sends to whom, and how often it comes back.
-- Sums of staging.handoff_pairs. Ping-pong is what came straight back unplanned: returns from a review team are none. Shares are of the hand-offs
-- (docs/decisions/0046-ownership.md).
select
    from_team,
    to_team,
    cast(sum(team_handoff_count) as bigint) as team_handoff_count,
    cast(sum(cases) as bigint) as cases,
    cast(sum(returned_directly_count) as bigint) as returned_directly_count,
    cast(sum(returned_count) as bigint) as returned_count,
    cast(sum(planned_return_count) as bigint) as planned_return_count,
    cast(sum(returned_directly_count - planned_return_count) as bigint) as ping_pong_count,
    cast(100.0 * sum(returned_directly_count) / nullif(sum(team_handoff_count), 0) as double) as returned_directly_pct,
    cast(100.0 * sum(returned_count) / nullif(sum(team_handoff_count), 0) as double) as returned_pct,
    cast(100.0 * sum(returned_directly_count - planned_return_count) / nullif(sum(team_handoff_count), 0) as double) as ping_pong_pct,
    cast(sum(detour_calendar_seconds) as bigint) as detour_calendar_seconds
from staging.handoff_pairs
group by from_team, to_team

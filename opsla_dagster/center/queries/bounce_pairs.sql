-- One row is one pair of teams, those with most ping-pong first.
select
    from_team,
    to_team,
    team_handoff_count,
    cases,
    returned_directly_count,
    returned_count,
    planned_return_count,
    ping_pong_count,
    returned_directly_pct,
    returned_pct,
    ping_pong_pct,
    detour_calendar_seconds
from mart.bounce_pairs
order by ping_pong_count desc, returned_directly_count desc, team_handoff_count desc, from_team, to_team

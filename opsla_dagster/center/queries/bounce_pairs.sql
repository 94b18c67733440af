-- One row is one pair of teams, what comes straight back most often first.
select
    from_team,
    to_team,
    team_handoff_count,
    cases,
    returned_directly_count,
    returned_count,
    returned_directly_pct,
    returned_pct,
    detour_calendar_seconds
from mart.bounce_pairs
order by returned_directly_count desc, team_handoff_count desc, from_team, to_team

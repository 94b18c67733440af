-- One row is one routing loop, the most frequent first; planned ones last.
select
    loop_path,
    is_planned,
    loop_handoff_count,
    loop_count,
    cases,
    away_calendar_seconds
from mart.routing_loops
order by is_planned, loop_count desc, away_calendar_seconds desc, loop_path

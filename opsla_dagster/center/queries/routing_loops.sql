-- One row is one routing loop, the most frequent first.
select
    loop_path,
    loop_handoff_count,
    loop_count,
    cases,
    away_calendar_seconds
from mart.routing_loops
order by loop_count desc, away_calendar_seconds desc, loop_path

-- One row is one routing loop, the most frequent first.
select *
from mart.routing_loops
order by loop_count desc, away_calendar_seconds desc, loop_path

-- One row is one path of a routing loop: from a team over others back to it, how often and for how long.
-- Sums of staging.routing_loop_paths (docs/decisions/0046-ownership.md).
select
    loop_path,
    is_planned,
    loop_handoff_count,
    cast(sum(loop_count) as bigint) as loop_count,
    cast(sum(cases) as bigint) as cases,
    cast(sum(away_calendar_seconds) as bigint) as away_calendar_seconds
from staging.routing_loop_paths
group by loop_path, is_planned, loop_handoff_count

-- One row is one source, metric and rule of counting a schedule that changes: how often the rule gives what the source measured.
-- Compared are the stopped clocks of the source's own promises in whose life the schedule changed and of which it tells its time. A
-- difference of less than a minute agrees: sources tell whole minutes. The rule with more agreeing clocks is the one the source follows
-- (docs/decisions/0023-schedules-that-change.md).
with measured as (
    select
        source,
        metric,
        'in_force' as schedule_rule,
        schedule_change = 'in_force' as is_applied,
        in_force_elapsed_seconds - source_elapsed_seconds as difference_seconds
    from staging.schedule_change_clocks
    where in_force_elapsed_seconds is not null and source_elapsed_seconds is not null

    union all

    select
        source,
        metric,
        'last' as schedule_rule,
        schedule_change = 'last' as is_applied,
        last_elapsed_seconds - source_elapsed_seconds as difference_seconds
    from staging.schedule_change_clocks
    where last_elapsed_seconds is not null and source_elapsed_seconds is not null
)

select
    source,
    metric,
    schedule_rule,
    bool_or(is_applied) as is_applied_rule,
    cast(count(*) as bigint) as compared_clocks,
    cast(count(*) filter (where abs(difference_seconds) < 60) as bigint) as agreeing_clocks,
    cast(100.0 * count(*) filter (where abs(difference_seconds) < 60) / nullif(count(*), 0) as double) as agreeing_pct
from measured
group by source, metric, schedule_rule

-- One row is one case: how often it changed hands, and how much of its time is charged to a team that did not have it.
-- Shares leave out time after completion, and those with it say so; NULL for an open case, whose present holder's time has not ended. Ping-pong and
-- loop_pct leave out planned returns, those from a review team: ping_pong_count is direct returns that nobody planned, loop_pct unplanned returns of hand-offs
-- (docs/decisions/0046-ownership.md).
with cases as (
    select
        *,
        return_direct_count + return_indirect_count as return_count,
        queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds as held_calendar_seconds,
        misattributed_queue_calendar_seconds + misattributed_active_calendar_seconds + misattributed_wait_customer_calendar_seconds + misattributed_wait_other_calendar_seconds
            as misattributed_calendar_seconds
    from staging.ownership_cases
)

select
    source,
    case_id,
    intake_date,
    intake_ts,
    priority,
    tier,
    case_type,
    is_open,
    ended_at,
    first_team,
    last_team,
    stint_count,
    team_station_count,
    team_handoff_count,
    cast(return_direct_count - planned_return_count as bigint) as ping_pong_count,
    cast(return_count as bigint) as return_count,
    return_direct_count,
    return_indirect_count,
    planned_return_count,
    cast(100.0 * (return_count - planned_return_count) / nullif(team_handoff_count, 0) as double) as loop_pct,
    cast(held_calendar_seconds as bigint) as held_calendar_seconds,
    cast(misattributed_calendar_seconds as bigint) as misattributed_calendar_seconds,
    done_calendar_seconds,
    misattributed_done_calendar_seconds,
    cast(case when not is_open then 100.0 * misattributed_calendar_seconds / nullif(held_calendar_seconds, 0) end as double) as misattributed_pct,
    cast(
        case
            when not is_open
                then
                    100.0 * (misattributed_calendar_seconds + misattributed_done_calendar_seconds)
                    / nullif(held_calendar_seconds + done_calendar_seconds, 0)
        end as double
    ) as misattributed_with_done_pct,
    is_initial_missing,
    contradiction_count
from cases

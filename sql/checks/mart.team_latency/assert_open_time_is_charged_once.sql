-- The time of cases that have not ended, where what the teams really had is another sum than what they are charged with, or than its states.
-- A failure means that time is charged to nobody, or twice; look first at sql/mart/ownership/team_latency.sql.
with teams as (
    select
        sum(open_now_held_calendar_seconds) as held_seconds,
        sum(open_now_naive_calendar_seconds) as naive_seconds,
        sum(
            open_now_queue_calendar_seconds + open_now_active_calendar_seconds + open_now_wait_customer_calendar_seconds
            + open_now_wait_other_calendar_seconds
        ) as seconds_by_state
    from mart.team_latency
)

select
    held_seconds,
    naive_seconds,
    seconds_by_state
from teams
where held_seconds <> naive_seconds or held_seconds <> seconds_by_state

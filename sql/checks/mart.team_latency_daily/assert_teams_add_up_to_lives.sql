-- Intake dates on which the teams' time is not the time of the ended cases, or the naive time is another sum than the true one.
-- A failure means that time is charged to nobody, or twice; look first at sql/mart/ownership/team_latency_daily.sql.
with teams as (
    select
        intake_date,
        sum(
            queue_calendar_seconds + active_calendar_seconds + wait_customer_calendar_seconds + wait_other_calendar_seconds
        ) as held_calendar_seconds,
        sum(done_calendar_seconds) as done_calendar_seconds,
        sum(naive_calendar_seconds) as naive_calendar_seconds,
        sum(naive_done_calendar_seconds) as naive_done_calendar_seconds
    from mart.team_latency_daily
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

lives as (
    select
        spans.intake_date,
        sum(spans.calendar_seconds) filter (where spans.state <> 'done') as held_calendar_seconds,
        sum(spans.calendar_seconds) filter (where spans.state = 'done') as done_calendar_seconds
    from staging.ownership_spans as spans
    inner join staging.case_milestones as cases on spans.intake_date = cases.intake_date and spans.case_id = cases.case_id
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
        and not cases.is_open
    group by spans.intake_date
)

select
    lives.intake_date,
    lives.held_calendar_seconds,
    teams.held_calendar_seconds as team_held_calendar_seconds,
    teams.naive_calendar_seconds,
    lives.done_calendar_seconds,
    teams.done_calendar_seconds as team_done_calendar_seconds,
    teams.naive_done_calendar_seconds
from lives
left join teams on lives.intake_date = teams.intake_date
where
    coalesce(lives.held_calendar_seconds, 0) is distinct from teams.held_calendar_seconds
    or teams.held_calendar_seconds is distinct from teams.naive_calendar_seconds
    or coalesce(lives.done_calendar_seconds, 0) is distinct from teams.done_calendar_seconds
    or teams.done_calendar_seconds is distinct from teams.naive_done_calendar_seconds

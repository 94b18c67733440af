-- Cases whose spans do not run without gap or overlap from intake on, or do not add up to their life in seconds.
-- A failure means that time would have no holder, or two; look first at sql/staging/events/ownership_spans.sql.
with spans as (
    select
        case_id,
        started_at,
        ended_at,
        calendar_seconds,
        lead(started_at) over (partition by case_id order by span_number) as next_started_at
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
),

lives as (
    select
        case_id,
        min(started_at) as first_started_at,
        max(started_at) as last_started_at,
        count(*) filter (where ended_at is null) as endless_spans,
        count(*) filter (where ended_at is distinct from next_started_at) as broken_spans,
        sum(coalesce(calendar_seconds, 0)) as calendar_seconds
    from spans
    group by case_id
)

select
    cases.case_id,
    cases.intake_ts,
    cases.last_terminal_at,
    lives.first_started_at,
    lives.last_started_at,
    lives.endless_spans,
    lives.broken_spans,
    lives.calendar_seconds
from staging.case_milestones as cases
left join lives on cases.case_id = lives.case_id
where
    cases.intake_date >= $start_date
    and cases.intake_date < $end_date
    and (
        lives.case_id is null
        or lives.first_started_at <> cases.intake_ts
        or lives.last_started_at < cases.last_terminal_at
        or lives.endless_spans <> 1
        or lives.broken_spans <> 0
        or lives.calendar_seconds <> epoch_us(lives.last_started_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000
    )

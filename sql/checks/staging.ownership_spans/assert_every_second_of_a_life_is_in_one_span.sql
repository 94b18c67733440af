-- Cases whose spans do not run without gap or overlap from intake on, or do not add up to their life in seconds.
-- A failure means that time would have no holder, or two; look first at sql/staging/events/ownership_spans.sql.
with lives as (
    select
        case_id,
        min(started_at) as first_started_at,
        max(started_at) as last_started_at,
        count(*) filter (where ended_at is null) as endless_spans,
        sum(coalesce(calendar_seconds, 0)) as calendar_seconds
    from staging.ownership_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

-- Those at whose end the next one does not start.
broken_spans as (
    select
        spans.case_id,
        count(*) as broken_spans
    from staging.ownership_spans as spans
    left join staging.ownership_spans as next_spans
        on
            spans.case_id = next_spans.case_id
            and spans.span_number + 1 = next_spans.span_number
            and spans.ended_at = next_spans.started_at
            and next_spans.intake_date >= $start_date
            and next_spans.intake_date < $end_date
    where
        spans.intake_date >= $start_date
        and spans.intake_date < $end_date
        and spans.ended_at is not null
        and next_spans.case_id is null
    group by spans.case_id
)

select
    cases.case_id,
    cases.intake_ts,
    cases.last_terminal_at,
    lives.first_started_at,
    lives.last_started_at,
    lives.endless_spans,
    coalesce(broken_spans.broken_spans, 0) as broken_spans,
    lives.calendar_seconds
from staging.case_milestones as cases
left join lives on cases.case_id = lives.case_id
left join broken_spans on cases.case_id = broken_spans.case_id
where
    cases.intake_date >= $start_date
    and cases.intake_date < $end_date
    and (
        lives.case_id is null
        or lives.first_started_at <> cases.intake_ts
        or lives.last_started_at < cases.last_terminal_at
        or lives.endless_spans <> 1
        or broken_spans.case_id is not null
        or lives.calendar_seconds <> epoch_us(lives.last_started_at) // 1000000 - epoch_us(cases.intake_ts) // 1000000
    )

-- Cases whose stretches do not cover the time from intake to end once, without gap or overlap, and of which not exactly one goes on while the
-- case is open.
-- A failure means that the backlog counts a case twice, or loses it; look first at the joins of sql/staging/backlog/backlog_spans.sql.
with spans as (
    select
        case_id,
        count(*) as spans,
        count(*) filter (where ended_at is null) as open_ended_spans,
        min(started_at) as first_started_at,
        max(ended_at) as last_ended_at,
        sum(case when ended_at is not null then (epoch_us(ended_at) - epoch_us(started_at)) end) as covered_microseconds,
        max(case when ended_at is null then started_at end) as open_ended_from_at
    from staging.backlog_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

cases as (
    select
        case_id,
        intake_ts,
        ended_at
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    cases.case_id,
    cases.intake_ts,
    cases.ended_at,
    spans.spans,
    spans.open_ended_spans,
    spans.covered_microseconds
from cases
left join spans on cases.case_id = spans.case_id
where
    spans.case_id is null
    or spans.first_started_at <> cases.intake_ts
    or spans.open_ended_spans <> case when cases.ended_at is null then 1 else 0 end
    or coalesce(spans.covered_microseconds, 0) <> epoch_us(coalesce(cases.ended_at, spans.open_ended_from_at)) - epoch_us(cases.intake_ts)
    or coalesce(spans.last_ended_at > coalesce(cases.ended_at, spans.open_ended_from_at), false)

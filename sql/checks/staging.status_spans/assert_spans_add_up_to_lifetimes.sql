-- Cases whose spans do not run without gap or overlap from intake to the last terminal event (or on, while open).
-- A failure means that time would be lost or counted twice; look first at the case with `opsla explain`.
with spans as (
    select
        case_id,
        min(started_at) as first_started_at,
        max(ended_at) as last_ended_at,
        count(*) filter (where ended_at is null) as open_spans,
        max(started_at) as last_started_at,
        sum(case when ended_at is null then 0 else epoch_us(ended_at) - epoch_us(started_at) end) as closed_us
    from staging.status_spans
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
),

cases as (
    select
        case_id,
        intake_ts,
        last_terminal_at
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
)

select
    cases.case_id,
    cases.intake_ts,
    cases.last_terminal_at,
    spans.first_started_at,
    spans.last_ended_at,
    spans.open_spans
from cases
left join spans on cases.case_id = spans.case_id
where
    case
        when spans.case_id is null then cases.last_terminal_at is null or cases.last_terminal_at > cases.intake_ts
        when spans.first_started_at <> cases.intake_ts then true
        when cases.last_terminal_at is null
            then spans.open_spans <> 1 or spans.closed_us <> epoch_us(spans.last_started_at) - epoch_us(cases.intake_ts)
        else spans.open_spans <> 0 or spans.closed_us <> epoch_us(cases.last_terminal_at) - epoch_us(cases.intake_ts)
    end

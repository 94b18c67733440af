-- Cases whose stretches do not run without gap or overlap from intake on.
-- A failure means that time would have no owner, or two; look first at sql/staging/events/case_owners.sql.
with owners as (
    select
        case_id,
        min(started_at) as first_started_at,
        max(started_at) as last_started_at,
        count(*) filter (where ended_at is null) as open_stretches,
        sum(case when ended_at is null then 0 else epoch_us(ended_at) - epoch_us(started_at) end) as closed_us
    from staging.case_owners
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by case_id
)

select
    cases.case_id,
    cases.intake_ts,
    owners.first_started_at,
    owners.open_stretches
from raw.cases as cases
left join owners on cases.case_id = owners.case_id
where
    cases.intake_date >= $start_date
    and cases.intake_date < $end_date
    and (
        owners.case_id is null
        or owners.first_started_at <> cases.intake_ts
        or owners.open_stretches <> 1
        or owners.closed_us <> epoch_us(owners.last_started_at) - epoch_us(cases.intake_ts)
    )

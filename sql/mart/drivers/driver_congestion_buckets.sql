-- One row is one decile of congestion exposure over the SLA cases that have one; ties by intake date and case_id.
-- Cases of one date share their exposure, so dates are ordered, and cases only where a decile ends in the middle of a date:
-- of a million cases a few thousand.
with exposures as (
    select
        calendar_date,
        congestion_index_10bd_mean as congestion_exposure
    from staging.day_load
    where congestion_index_10bd_mean is not null
),

dates as (
    select
        metrics.intake_date,
        exposures.congestion_exposure,
        count(*) as cases
    from staging.case_sla_metrics as metrics
    inner join exposures on metrics.intake_date = exposures.calendar_date
    group by metrics.intake_date, exposures.congestion_exposure
),

ordered as (
    select
        intake_date,
        congestion_exposure,
        sum(cases) over (
            order by congestion_exposure, intake_date
            rows between unbounded preceding and current row
        ) - cases as cases_before,
        cases,
        sum(cases) over () as all_cases
    from dates
),

-- The decile of the date's first case, and of its last one.
bounded as (
    select
        intake_date,
        congestion_exposure,
        cases_before,
        all_cases,
        10 * cases_before // nullif(all_cases, 0) + 1 as first_decile,
        10 * (cases_before + cases - 1) // nullif(all_cases, 0) + 1 as last_decile
    from ordered
),

divided as (
    select
        metrics.case_id,
        10 * (
            bounded.cases_before
            + row_number() over (partition by metrics.intake_date order by metrics.case_id) - 1
        ) // nullif(bounded.all_cases, 0) + 1 as exposure_decile
    from bounded
    inner join staging.case_sla_metrics as metrics on bounded.intake_date = metrics.intake_date
    where bounded.first_decile < bounded.last_decile
),

cases as (
    select
        coalesce(divided.exposure_decile, bounded.first_decile) as exposure_decile,
        bounded.congestion_exposure,
        metrics.is_sla_b_breached,
        metrics.is_sla_a_incl_wait_breached,
        metrics.is_sla_a_paused_breached
    from staging.case_sla_metrics as metrics
    inner join bounded on metrics.intake_date = bounded.intake_date
    left join divided on metrics.case_id = divided.case_id and bounded.first_decile < bounded.last_decile
)

select
    cast(exposure_decile as bigint) as exposure_decile,
    cast(count(*) as bigint) as cases,
    cast(min(congestion_exposure) as double) as exposure_min,
    cast(max(congestion_exposure) as double) as exposure_max,
    cast(100.0 * count(*) filter (where is_sla_b_breached) / nullif(count(*), 0) as double) as sla_b_breach_pct,
    cast(100.0 * count(*) filter (where is_sla_a_incl_wait_breached) / nullif(count(*), 0) as double)
        as sla_a_incl_wait_breach_pct,
    cast(100.0 * count(*) filter (where is_sla_a_paused_breached) / nullif(count(*), 0) as double)
        as sla_a_paused_breach_pct
from cases
group by exposure_decile

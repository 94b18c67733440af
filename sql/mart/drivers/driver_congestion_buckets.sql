-- One row is one decile of congestion exposure over the SLA cases that have one; ties by intake date and case_id.
-- Cases of one date share their exposure, so dates are ordered and counted as a whole, and cases only where a decile ends in the middle of a
-- date: of a million cases a few thousand.
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
        count(*) as cases,
        count(*) filter (where metrics.is_sla_b_breached) as sla_b_breached_cases,
        count(*) filter (where metrics.is_sla_a_incl_wait_breached) as sla_a_incl_wait_breached_cases,
        count(*) filter (where metrics.is_sla_a_paused_breached) as sla_a_paused_breached_cases
    from staging.case_sla_metrics as metrics
    inner join exposures on metrics.intake_date = exposures.calendar_date
    group by metrics.intake_date, exposures.congestion_exposure
),

ordered_dates as (
    select
        intake_date,
        congestion_exposure,
        sum(cases) over (
            order by congestion_exposure, intake_date
            rows between unbounded preceding and current row
        ) - cases as cases_before,
        cases,
        sum(cases) over () as all_cases,
        sla_b_breached_cases,
        sla_a_incl_wait_breached_cases,
        sla_a_paused_breached_cases
    from dates
),

-- The decile of the date's first case, and of its last one.
date_deciles as (
    select
        intake_date,
        congestion_exposure,
        cases_before,
        cases,
        all_cases,
        sla_b_breached_cases,
        sla_a_incl_wait_breached_cases,
        sla_a_paused_breached_cases,
        10 * cases_before // nullif(all_cases, 0) + 1 as first_decile,
        10 * (cases_before + cases - 1) // nullif(all_cases, 0) + 1 as last_decile
    from ordered_dates
),

split_date_cases as (
    select
        date_deciles.congestion_exposure,
        10 * (
            date_deciles.cases_before
            + row_number() over (partition by metrics.intake_date order by metrics.case_id) - 1
        ) // nullif(date_deciles.all_cases, 0) + 1 as exposure_decile,
        metrics.is_sla_b_breached,
        metrics.is_sla_a_incl_wait_breached,
        metrics.is_sla_a_paused_breached
    from date_deciles
    inner join staging.case_sla_metrics as metrics on date_deciles.intake_date = metrics.intake_date
    where date_deciles.first_decile < date_deciles.last_decile
),

date_parts as (
    select
        first_decile as exposure_decile,
        congestion_exposure,
        cases,
        sla_b_breached_cases,
        sla_a_incl_wait_breached_cases,
        sla_a_paused_breached_cases
    from date_deciles
    where first_decile = last_decile

    union all

    select
        exposure_decile,
        congestion_exposure,
        count(*) as cases,
        count(*) filter (where is_sla_b_breached) as sla_b_breached_cases,
        count(*) filter (where is_sla_a_incl_wait_breached) as sla_a_incl_wait_breached_cases,
        count(*) filter (where is_sla_a_paused_breached) as sla_a_paused_breached_cases
    from split_date_cases
    group by exposure_decile, congestion_exposure
)

select
    cast(exposure_decile as bigint) as exposure_decile,
    cast(sum(cases) as bigint) as cases,
    cast(min(congestion_exposure) as double) as exposure_min,
    cast(max(congestion_exposure) as double) as exposure_max,
    cast(100.0 * sum(sla_b_breached_cases) / nullif(sum(cases), 0) as double) as sla_b_breach_pct,
    cast(100.0 * sum(sla_a_incl_wait_breached_cases) / nullif(sum(cases), 0) as double) as sla_a_incl_wait_breach_pct,
    cast(100.0 * sum(sla_a_paused_breached_cases) / nullif(sum(cases), 0) as double) as sla_a_paused_breach_pct
from date_parts
group by exposure_decile

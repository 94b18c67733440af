-- One row is one decile of congestion exposure over the SLA cases that have one; ties by case_id.
with exposed as (
    select
        metrics.case_id,
        metrics.is_sla_b_breached,
        metrics.is_sla_a_incl_wait_breached,
        metrics.is_sla_a_paused_breached,
        day_load.congestion_index_10bd_mean as congestion_exposure
    from staging.case_sla_metrics as metrics
    inner join staging.day_load on metrics.intake_date = day_load.calendar_date
    where day_load.congestion_index_10bd_mean is not null
),

deciles as (
    select
        *,
        ntile(10) over (order by congestion_exposure, case_id) as exposure_decile
    from exposed
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
from deciles
group by exposure_decile

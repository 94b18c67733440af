-- Intake dates and dimensions whose clocks are not those of staging.sla_clocks, each counted once.
-- A failure means that a rollup loses clocks or counts them twice; look first at sql/mart/attainment/sla_attainment_daily.sql.
with counted as (
    select
        intake_date,
        dimension,
        sum(clocks) as clocks,
        sum(met_clocks + breached_clocks + running_clocks + unknown_clocks) as judged_clocks
    from mart.sla_attainment_daily
    where
        intake_date >= $start_date
        and intake_date < $end_date
        and dimension in ('all', 'queue', 'priority', 'tier', 'region', 'brand', 'channel')
    group by intake_date, dimension
),

clocks as (
    select
        intake_date,
        count(*) as clocks
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
)

select
    clocks.intake_date,
    counted.dimension,
    clocks.clocks,
    counted.clocks as counted_clocks
from clocks
left join counted on clocks.intake_date = counted.intake_date
where clocks.clocks is distinct from counted.clocks or clocks.clocks is distinct from counted.judged_clocks

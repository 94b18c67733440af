-- Intake dates and dimensions of sources.yml whose clocks are not those of the cases that have the dimension, each counted once.
-- A failure means that a rollup loses clocks or counts them twice; look first at sql/mart/attainment/sla_attainment_daily.sql.
with counted as (
    select
        intake_date,
        dimension,
        sum(clocks) as clocks
    from mart.sla_attainment_daily
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date, dimension
),

clocks as (
    select
        clocks.intake_date,
        dimensions.dimension_name,
        count(*) as clocks
    from staging.sla_clocks as clocks
    inner join staging.case_dimensions as dimensions on clocks.case_id = dimensions.case_id and clocks.intake_date = dimensions.intake_date
    where
        clocks.intake_date >= $start_date
        and clocks.intake_date < $end_date
        and dimensions.intake_date >= $start_date
        and dimensions.intake_date < $end_date
    group by clocks.intake_date, dimensions.dimension_name
)

select
    clocks.intake_date,
    clocks.dimension_name,
    clocks.clocks,
    counted.clocks as counted_clocks
from clocks
left join counted on clocks.intake_date = counted.intake_date and clocks.dimension_name = counted.dimension
where clocks.clocks is distinct from counted.clocks

-- Intake dates on which the clocks that start at intake are not one a case and clock. (Others may never start.)
-- A failure means that promises go unjudged; look first at sql/staging/sla_clocks.sql and sla_policies.yml.
with promises as (
    select clock
    from staging.sla_clock_rules
    where role = 'start' and status = 'INTAKE'
),

clocks as (
    select
        found.intake_date,
        count(*) as clocks
    from staging.sla_clocks as found
    inner join promises on found.clock = promises.clock
    where
        found.intake_date >= $start_date
        and found.intake_date < $end_date
    group by found.intake_date
),

cases as (
    select
        intake_date,
        count(*) as cases
    from staging.case_milestones
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
),

promised as (
    select count(*) as clocks
    from promises
)

select
    cases.intake_date,
    cases.cases * promised.clocks as expected_clocks,
    coalesce(clocks.clocks, 0) as found_clocks
from cases
cross join promised
left join clocks on cases.intake_date = clocks.intake_date
where cases.cases * promised.clocks <> coalesce(clocks.clocks, 0)

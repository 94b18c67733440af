-- Intake dates on which clocks are not one a case and clock.
-- A failure means that promises go unjudged; look first at sql/staging/sla_clocks.sql and sla_policies.yml.
with clocks as (
    select
        intake_date,
        count(*) as clocks
    from staging.sla_clocks
    where
        intake_date >= $start_date
        and intake_date < $end_date
    group by intake_date
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

promises as (
    select count(distinct clock) as clocks
    from staging.sla_clock_rules
)

select
    cases.intake_date,
    cases.cases * promises.clocks as expected_clocks,
    coalesce(clocks.clocks, 0) as found_clocks
from cases
cross join promises
left join clocks on cases.intake_date = clocks.intake_date
where cases.cases * promises.clocks <> coalesce(clocks.clocks, 0)

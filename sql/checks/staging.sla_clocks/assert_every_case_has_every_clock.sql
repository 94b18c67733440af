-- Intake dates on which the promises in force at intake, for metrics that start there, do not each have a clock in their first cycle.
-- In a case that the desk began, what measures an answer starts when the customer writes, or never: those are not looked at.
-- A failure means that promises go unjudged; look first at sql/staging/clocks/sla_clock_windows.sql and sla_policies.yml.
with answers as (
    select metric
    from staging.sla_metric_rules
    where role = 'start_if_outbound'
),

promised as (
    select
        promises.intake_date,
        count(*) as clocks
    from staging.case_sla_policies as promises
    inner join staging.case_milestones as cases on promises.case_id = cases.case_id
    inner join staging.sla_metric_rules as rules on promises.metric = rules.metric
    left join answers on promises.metric = answers.metric
    where
        promises.intake_date >= $start_date
        and promises.intake_date < $end_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
        and rules.role = 'start'
        and rules.signal = 'INTAKE'
        and promises.in_force_from_at = cases.intake_ts
        and promises.in_force_to_at is null
        and not promises.is_source_promise
        and (answers.metric is null or coalesce(cases.initiated_by, 'customer') = 'customer')
    group by promises.intake_date
),

judged as (
    select
        clocks.intake_date,
        count(*) as clocks
    from staging.sla_clocks as clocks
    inner join staging.case_sla_policies as promises
        on clocks.case_id = promises.case_id and clocks.metric = promises.metric and clocks.policy = promises.policy
    inner join staging.case_milestones as cases on promises.case_id = cases.case_id
    inner join staging.sla_metric_rules as rules on clocks.metric = rules.metric
    left join answers on clocks.metric = answers.metric
    where
        clocks.intake_date >= $start_date
        and clocks.intake_date < $end_date
        and promises.intake_date >= $start_date
        and promises.intake_date < $end_date
        and cases.intake_date >= $start_date
        and cases.intake_date < $end_date
        and rules.role = 'start'
        and rules.signal = 'INTAKE'
        and promises.in_force_from_at = cases.intake_ts
        and promises.in_force_to_at is null
        and not promises.is_source_promise
        and (answers.metric is null or coalesce(cases.initiated_by, 'customer') = 'customer')
        and clocks.cycle = 1
    group by clocks.intake_date
)

select
    promised.intake_date,
    promised.clocks as promised_clocks,
    coalesce(judged.clocks, 0) as judged_clocks
from promised
left join judged on promised.intake_date = judged.intake_date
where promised.clocks <> coalesce(judged.clocks, 0)

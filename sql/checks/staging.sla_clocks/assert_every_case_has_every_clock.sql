-- Intake dates on which the promises in force at intake, for metrics that start there, do not each have a clock in their first cycle.
-- In a case that the desk began, what measures an answer starts when the customer writes, or never: those are not looked at.
-- A failure means that promises go unjudged; look first at sql/staging/clocks/sla_clock_windows.sql and sla_policies.yml.
with answer_metrics as (
    select metric
    from staging.sla_metric_rules
    where role = 'start_if_outbound'
),

promises_at_intake as (
    select
        promises.case_id,
        promises.intake_date,
        promises.metric,
        promises.policy
    from staging.case_sla_policies as promises
    inner join staging.case_milestones as cases on promises.case_id = cases.case_id
    inner join staging.sla_metric_rules as rules on promises.metric = rules.metric
    left join answer_metrics on promises.metric = answer_metrics.metric
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
        and (answer_metrics.metric is null or coalesce(cases.initiated_by, 'customer') = 'customer')
)

select
    promises.intake_date,
    count(*) as promised_clocks,
    count(clocks.case_id) as judged_clocks
from promises_at_intake as promises
left join staging.sla_clocks as clocks
    on
        promises.case_id = clocks.case_id
        and promises.policy = clocks.policy
        and promises.metric = clocks.metric
        and clocks.cycle = 1
        and clocks.intake_date >= $start_date
        and clocks.intake_date < $end_date
group by promises.intake_date
having count(*) <> count(clocks.case_id)

-- Promises whose metric sla_policies.yml does not describe, so that no clock runs for them.
-- A failure means that a source promises what nobody measures; look first at `metrics` in sla_policies.yml (docs/connect_zendesk_and_intercom.md).
select
    promises.metric,
    promises.policy,
    count(*) as promises
from staging.case_sla_policies as promises
left join (
    select distinct metric
    from staging.sla_metric_rules
) as described on promises.metric = described.metric
where
    promises.intake_date >= $start_date
    and promises.intake_date < $end_date
    and described.metric is null
group by promises.metric, promises.policy

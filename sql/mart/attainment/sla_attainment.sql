-- One row is one clock: met or breached, by how much, and what took the time.
-- An open clock is judged as of the last look at its date, as in mart.open_clocks: past its target it is breached. early is target less
-- elapsed, negative when late. A superseded clock is of a policy that lost force while the clock ran; attributes are the
-- latest known. The root cause is that of staging.sla_root_causes, once the clock has stopped. What is incomplete rests on a case of which records were rejected.
select
    clocks.source,
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    cases.priority,
    cases.tier,
    cases.case_type,
    cases.team,
    cases.brand,
    cases.region,
    cases.channel,
    cases.customer,
    clocks.started_at,
    clocks.stopped_at,
    clocks.due_at,
    clocks.target_seconds,
    coalesce(open_clocks.elapsed_seconds, clocks.elapsed_seconds) as elapsed_seconds,
    cast(coalesce(open_clocks.remaining_seconds, clocks.early_seconds) / 60.0 as double) as early_business_minutes,
    coalesce(open_clocks.outcome, clocks.outcome) as outcome,
    clocks.reason,
    clocks.is_open,
    clocks.is_superseded,
    clocks.is_source_promise,
    root_causes.root_cause_stage,
    root_causes.root_cause_owner,
    root_causes.beyond_peers_business_minutes,
    incomplete_cases.case_id is not null as is_incomplete
from staging.sla_clocks as clocks
inner join staging.case_milestones as cases on clocks.case_id = cases.case_id and clocks.intake_date = cases.intake_date
left join mart.open_clocks as open_clocks
    on
        clocks.outcome = 'running'
        and clocks.case_id = open_clocks.case_id
        and clocks.policy = open_clocks.policy
        and clocks.metric = open_clocks.metric
        and clocks.cycle = open_clocks.cycle
left join mart.incomplete_cases as incomplete_cases on clocks.case_id = incomplete_cases.case_id
left join staging.sla_root_causes as root_causes
    on
        clocks.outcome = 'breached'
        and clocks.case_id = root_causes.case_id
        and clocks.intake_date = root_causes.intake_date
        and clocks.policy = root_causes.policy
        and clocks.metric = root_causes.metric
        and clocks.cycle = root_causes.cycle

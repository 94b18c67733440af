-- One row is one case of $case_ids, with how its clocks stand; an open clock past its target is breached.
select
    clocks.case_id,
    count(*) as clocks,
    count(*) filter (where coalesce(running.outcome, clocks.outcome) = 'breached') as breached_clocks,
    count(*) filter (where coalesce(running.outcome, clocks.outcome) = 'running') as running_clocks
from staging.sla_clocks as clocks
left join mart.open_clocks as running
    on
        clocks.case_id = running.case_id
        and clocks.policy = running.policy
        and clocks.metric = running.metric
        and clocks.cycle = running.cycle
where
    clocks.case_id in (select unnest($case_ids))
    and clocks.intake_date >= $first_day
    and clocks.intake_date <= $last_day
    and not clocks.is_superseded
group by clocks.case_id

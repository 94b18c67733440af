-- One row is one case that the filters let through; a filter that is NULL lets every case through.
-- state: open or ended at $at, as the log knows today. outcome: some clock of the case, of $metric and $policy where they are given, has it; an open
-- clock past its target is breached.
with judged_cases as (
    select distinct clocks.case_id
    from staging.sla_clocks as clocks
    left join mart.open_clocks as running
        on
            clocks.case_id = running.case_id
            and clocks.policy = running.policy
            and clocks.metric = running.metric
            and clocks.cycle = running.cycle
    where
        not clocks.is_superseded
        and coalesce(running.outcome, clocks.outcome) = $outcome
        and ($metric is null or clocks.metric = $metric)
        and ($policy is null or clocks.policy = $policy)
)

select
    cases.source,
    cases.case_id,
    cases.intake_date,
    cases.intake_ts,
    cases.ended_at,
    cases.intake_ts <= $at and (cases.ended_at is null or cases.ended_at > $at) as is_open,
    coalesce(cases.team, 'none') as queue,
    cases.priority,
    cases.tier,
    cases.case_type,
    cases.reopen_count
from staging.case_milestones as cases
where
    ($search is null or contains(lower(cases.case_id), lower($search)))
    and ($queue is null or coalesce(cases.team, 'none') = $queue)
    and ($priority is null or coalesce(cases.priority, 'none') = $priority)
    and ($tier is null or coalesce(cases.tier, 'none') = $tier)
    and ($case_type is null or coalesce(cases.case_type, 'none') = $case_type)
    and ($first_day is null or cases.intake_date >= $first_day)
    and ($last_day is null or cases.intake_date <= $last_day)
    and ($state is null or (cases.intake_ts <= $at and (cases.ended_at is null or cases.ended_at > $at)) = ($state = 'open'))
    and cases.intake_ts <= $at
    and ($outcome is null or cases.case_id in (select judged_cases.case_id from judged_cases))
order by
    case when $sort = 'oldest' then cases.intake_ts end,
    case when $sort = 'id' then cases.case_id end,
    case when $sort = 'reopened' then cases.reopen_count end desc nulls last,
    cases.intake_ts desc,
    cases.case_id

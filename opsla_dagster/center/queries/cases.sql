-- One row is one case that the filters let through; a filter that is NULL lets every case through.
-- Open is what the backlog of the instant has, with its queue then; the queue of all others is their last. outcome: some clock of the case, of $metric
-- and $policy where they are given, has it; an open clock past its target is breached. records: rejected, some of the case were; complete, none was.
with open_cases as (
    select
        case_id,
        coalesce(team, 'none') as queue
    from mart.backlog_now
),

judged_cases as (
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
    case when cases.ended_at <= $at then cases.ended_at end as ended_at,
    open_cases.case_id is not null as is_open,
    coalesce(open_cases.queue, cases.team, 'none') as queue,
    cases.priority,
    cases.tier,
    cases.case_type,
    cases.reopen_count,
    incomplete_cases.rejected_records
from staging.case_milestones as cases
left join open_cases on cases.case_id = open_cases.case_id
left join mart.incomplete_cases as incomplete_cases on cases.case_id = incomplete_cases.case_id
where
    ($search is null or contains(lower(cases.case_id), lower($search)))
    and ($queue is null or coalesce(open_cases.queue, cases.team, 'none') = $queue)
    and ($priority is null or coalesce(cases.priority, 'none') = $priority)
    and ($tier is null or coalesce(cases.tier, 'none') = $tier)
    and ($case_type is null or coalesce(cases.case_type, 'none') = $case_type)
    and ($first_day is null or cases.intake_date >= $first_day)
    and ($last_day is null or cases.intake_date <= $last_day)
    and ($state is null or (open_cases.case_id is not null) = ($state = 'open'))
    and cases.intake_ts <= $at
    and ($records is null or (incomplete_cases.case_id is not null) = ($records = 'rejected'))
    and ($outcome is null or cases.case_id in (select judged_cases.case_id from judged_cases))
order by
    case when $sort = 'oldest' then cases.intake_ts end,
    case when $sort = 'id' then cases.case_id end,
    case when $sort = 'reopened' then cases.reopen_count end desc nulls last,
    cases.intake_ts desc,
    cases.case_id

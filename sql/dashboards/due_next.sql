-- One row is one open clock within its target, at the instant that "now" stands for (mart.desk_now).
-- What breaks next: the first due on top; of paused ones nobody knows when they fall due. A clock may run on though its case has ended: then it has no priority, tier and team.
select
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    cases.priority,
    cases.tier,
    cases.team,
    clocks.due_at,
    clocks.remaining_seconds / 60.0 as remaining_business_minutes,
    clocks.is_paused,
    clocks.snapshot_at
from mart.clock_now as clocks
left join mart.backlog_now as cases on clocks.case_id = cases.case_id
where not clocks.is_past_target
order by clocks.due_at nulls last, clocks.remaining_seconds, clocks.case_id, clocks.policy, clocks.metric, clocks.cycle

-- Breached clocks that have no root cause, though their case lived until they stopped. (After its last terminal event a case is in no status.)
-- A failure means that time ran in no status; look first at staging.status_spans and sql/staging/clocks/sla_root_causes.sql.
select
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle
from staging.sla_clocks as clocks
inner join staging.case_milestones as cases on clocks.case_id = cases.case_id and clocks.intake_date = cases.intake_date
left join staging.sla_root_causes as causes
    on
        clocks.case_id = causes.case_id
        and clocks.intake_date = causes.intake_date
        and clocks.policy = causes.policy
        and clocks.metric = causes.metric
        and clocks.cycle = causes.cycle
        and causes.intake_date >= $start_date
        and causes.intake_date < $end_date
where
    clocks.intake_date >= $start_date
    and clocks.intake_date < $end_date
    and cases.intake_date >= $start_date
    and cases.intake_date < $end_date
    and clocks.outcome = 'breached'
    and (cases.last_terminal_at is null or cases.last_terminal_at >= clocks.stopped_at)
    and causes.case_id is null

-- Judged clocks whose elapsed time is not what their own rule gives, counted anew over their running stretches.
-- A failure means that a changing schedule is counted wrong; look first at sql/staging/clocks/sla_clock_spans.sql and sql/staging/clocks/case_sla_calendars.sql.
select
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.elapsed_seconds,
    changed.schedule_change,
    changed.in_force_elapsed_seconds,
    changed.last_elapsed_seconds
from staging.schedule_change_clocks as changed
inner join staging.sla_clocks as clocks
    on
        changed.case_id = clocks.case_id
        and changed.intake_date = clocks.intake_date
        and changed.policy = clocks.policy
        and changed.metric = clocks.metric
        and changed.cycle = clocks.cycle
where
    changed.intake_date >= $start_date
    and changed.intake_date < $end_date
    and clocks.intake_date >= $start_date
    and clocks.intake_date < $end_date
    and clocks.outcome in ('met', 'breached')
    and clocks.elapsed_seconds is distinct from
    case when changed.schedule_change = 'in_force' then changed.in_force_elapsed_seconds else changed.last_elapsed_seconds end

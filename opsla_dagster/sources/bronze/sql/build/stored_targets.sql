-- One row is a target that the source applied.
select
    promises.case_id,
    promises.intake_date,
    promises.applied_id,
    promises.applied_ts,
    signals.source_sequence,
    promises.metric,
    promises.policy,
    promises.calendar,
    promises.target_seconds,
    promises.reopen,
    promises.is_on_case_schedule,
    promises.schedule_change
from promises
inner join signals on promises.case_id = signals.case_id and promises.applied_id = signals.signal_id and signals.kind = 'target'
order by promises.intake_date, promises.case_id, signals.source_sequence

-- One row is one clock that is open now: whom mart.risk_features is about, and as of when.
-- Training puts clocks of the past and their instants in the place of this table, so that one SELECT makes the features of both
-- (docs/decisions/0043-breach-risk.md). Features are of what happened before the instant. Of a log that has ended, now is the instant of its last
-- event: that has happened, so the prediction is of the second after it.
select
    clocks.case_id,
    clocks.intake_date,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    cast(
        case when now_instant.now_reason = 'the log ended' then clocks.snapshot_at + interval 1 second else clocks.snapshot_at end as timestamp
    ) as predicted_at
from mart.clock_now as clocks
cross join mart.desk_now as now_instant

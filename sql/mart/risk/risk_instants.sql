-- One row is one clock that is open now: whom mart.risk_features is about, and as of when.
-- Training puts clocks of the past and their instants in the place of this table, so that one SELECT makes the features of both
-- (docs/decisions/0043-breach-risk.md). Features are of what happened before the instant.
select
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    snapshot_at as predicted_at
from mart.clock_now

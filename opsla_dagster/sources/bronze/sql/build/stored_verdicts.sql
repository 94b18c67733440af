-- One row is what the source judged of a cycle of a metric, with the instants from which it is known.
select
    case_id,
    intake_date,
    verdict_id,
    metric,
    cycle,
    is_promised,
    is_missed,
    known_ts,
    breached_ts,
    ended_ts,
    elapsed_seconds,
    elapsed_ts
from judgements
order by intake_date, case_id, verdict_id

-- One row is one metric of a case of $case_ids that has a clock past its target at the instant, what is longest past it first.
select
    case_id,
    metric
from mart.clock_now
where is_past_target and case_id in (select unnest($case_ids))
group by case_id, metric
order by case_id, max(debt_seconds) desc nulls last, metric

-- One row is one source, metric and way in which its verdicts compare with our clocks.
select
    source,
    metric,
    comparison,
    cast(count(*) as bigint) as verdicts,
    cast(count(*) filter (where source_is_breached) as bigint) as source_breached_verdicts,
    cast(count(*) filter (where outcome = 'breached') as bigint) as breached_clocks,
    cast(quantile_cont(abs(difference_seconds), 0.5) / 60.0 as double) as difference_p50_business_minutes
from staging.source_clock_comparison
group by source, metric, comparison

-- One row is one of up to three verdicts of a source, to be looked at case by case: the examples of a metric and of one way of comparing.
-- The largest differences come first, so that they are the ones that a person would ask about.
with ranked as (
    select
        source,
        metric,
        comparison,
        case_id,
        cycle,
        policy,
        source_is_breached,
        outcome,
        source_elapsed_seconds,
        elapsed_seconds,
        difference_seconds,
        row_number() over (
            partition by source, metric, comparison order by abs(difference_seconds) desc nulls last, case_id, verdict_id
        ) as example_number
    from staging.source_clock_comparison
)

select
    source,
    metric,
    comparison,
    cast(example_number as bigint) as example_number,
    case_id,
    cycle,
    policy,
    source_is_breached,
    outcome,
    source_elapsed_seconds,
    elapsed_seconds,
    difference_seconds
from ranked
where example_number <= 3

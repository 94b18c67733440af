-- One row is one source and value of one dimension: how its cases were rated.
-- Good and bad as the source says it: Zendesk in words, Intercom's 4 and 5 of five are good, its 3 is neither. Only values with a rated case.
-- A case without a value counts under `none` (docs/decisions/0025-facts-of-a-case.md).
with rated as (
    select
        facts.source,
        facts.rating_verdict,
        facts.rating_number,
        coalesce(cases.team, 'none') as queue,
        coalesce(cases.priority, 'none') as priority,
        coalesce(cases.channel, 'none') as channel,
        coalesce(cases.tier, 'none') as tier
    from staging.case_source_facts as facts
    inner join staging.case_milestones as cases on facts.case_id = cases.case_id and facts.intake_date = cases.intake_date
    where facts.rating_verdict is not null
),

counted as (
    select
        source,
        case
            when grouping(queue) = 0 then 'queue'
            when grouping(priority) = 0 then 'priority'
            when grouping(channel) = 0 then 'channel'
            when grouping(tier) = 0 then 'tier'
            else 'all'
        end as dimension,
        coalesce(queue, priority, channel, tier, 'all') as dimension_value,
        count(*) as rated_cases,
        count(*) filter (where rating_verdict = 'good') as good_cases,
        count(*) filter (where rating_verdict = 'bad') as bad_cases,
        avg(rating_number) as rating_mean_number
    from rated
    group by
        grouping sets (
            (source),
            (source, queue),
            (source, priority),
            (source, channel),
            (source, tier)
        )
)

select
    source,
    dimension,
    dimension_value,
    cast(rated_cases as bigint) as rated_cases,
    cast(good_cases as bigint) as good_cases,
    cast(bad_cases as bigint) as bad_cases,
    cast(100.0 * good_cases / nullif(rated_cases, 0) as double) as satisfaction_pct,
    cast(rating_mean_number as double) as rating_mean_number
from counted

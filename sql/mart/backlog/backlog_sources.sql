-- One row is one source: what it tells of open cases, over everything loaded.
-- A source without a status between intake and end (one row a case) does not say whom a case waits for, so nobody is named. What is told by no
-- source is no dimension of the backlog.
with spans as (
    select
        source,
        count(*) filter (where status not in ('INTAKE', 'REOPENED', 'RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) > 0 as is_status_told,
        count(team) > 0 as is_queue_told,
        count(agent) > 0 as is_agent_told,
        count(priority) > 0 as is_priority_told,
        count(tier) > 0 as is_tier_told
    from staging.backlog_spans
    group by source
),

cases as (
    select
        source,
        count(region) > 0 as is_region_told,
        count(brand) > 0 as is_brand_told,
        count(channel) > 0 as is_channel_told
    from staging.case_milestones
    group by source
)

select
    spans.source,
    spans.is_status_told,
    spans.is_queue_told,
    spans.is_agent_told,
    spans.is_priority_told,
    spans.is_tier_told,
    cases.is_region_told,
    cases.is_brand_told,
    cases.is_channel_told
from spans
inner join cases on spans.source = cases.source

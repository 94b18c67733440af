-- The Spark SQL of sql/mart/backlog/backlog_sources.sql, written by `make docs`.
WITH spans AS (
  SELECT
    source,
    COUNT(*) FILTER(WHERE
      NOT status IN ('INTAKE', 'REOPENED', 'RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) > 0 AS is_status_told,
    COUNT(team) > 0 AS is_queue_told,
    COUNT(agent) > 0 AS is_agent_told,
    COUNT(priority) > 0 AS is_priority_told,
    COUNT(tier) > 0 AS is_tier_told
  FROM staging.backlog_spans
  GROUP BY
    source
), cases AS (
  SELECT
    source,
    COUNT(region) > 0 AS is_region_told,
    COUNT(brand) > 0 AS is_brand_told,
    COUNT(channel) > 0 AS is_channel_told
  FROM staging.case_milestones
  GROUP BY
    source
)
SELECT
  spans.source,
  spans.is_status_told,
  spans.is_queue_told,
  spans.is_agent_told,
  spans.is_priority_told,
  spans.is_tier_told,
  cases.is_region_told,
  cases.is_brand_told,
  cases.is_channel_told
FROM spans
INNER JOIN cases
  ON spans.source = cases.source

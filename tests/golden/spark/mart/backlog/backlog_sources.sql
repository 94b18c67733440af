-- The Spark SQL of sql/mart/backlog/backlog_sources.sql, written by `make docs`.
WITH spans AS (
  SELECT
    source,
    status,
    team,
    agent,
    priority,
    tier,
    region,
    brand,
    channel
  FROM staging.backlog_spans
)
SELECT
  source,
  COUNT(*) FILTER(WHERE
    NOT status IN ('INTAKE', 'REOPENED', 'RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) > 0 AS is_status_told,
  COUNT(team) > 0 AS is_queue_told,
  COUNT(agent) > 0 AS is_agent_told,
  COUNT(priority) > 0 AS is_priority_told,
  COUNT(tier) > 0 AS is_tier_told,
  COUNT(region) > 0 AS is_region_told,
  COUNT(brand) > 0 AS is_brand_told,
  COUNT(channel) > 0 AS is_channel_told
FROM spans
GROUP BY
  source

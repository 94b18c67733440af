-- The Spark SQL of sql/mart/satisfaction/satisfaction.sql, written by `make docs`.
WITH ratings AS (
  SELECT
    facts.source,
    facts.rating_verdict,
    facts.rating_number,
    COALESCE(cases.team, 'none') AS queue,
    COALESCE(cases.priority, 'none') AS priority,
    COALESCE(cases.channel, 'none') AS channel,
    COALESCE(cases.tier, 'none') AS tier
  FROM staging.case_source_facts AS facts
  INNER JOIN staging.case_milestones AS cases
    ON facts.case_id = cases.case_id AND facts.intake_date = cases.intake_date
  WHERE
    NOT facts.rating_verdict IS NULL
), rating_counts AS (
  SELECT
    source,
    CASE
      WHEN GROUPING(queue) = 0
      THEN 'queue'
      WHEN GROUPING(priority) = 0
      THEN 'priority'
      WHEN GROUPING(channel) = 0
      THEN 'channel'
      WHEN GROUPING(tier) = 0
      THEN 'tier'
      ELSE 'all'
    END AS dimension,
    COALESCE(queue, priority, channel, tier, 'all') AS dimension_value,
    COUNT(*) AS rated_cases,
    COUNT(*) FILTER(WHERE
      rating_verdict = 'good') AS good_cases,
    COUNT(*) FILTER(WHERE
      rating_verdict = 'bad') AS bad_cases,
    AVG(rating_number) AS rating_mean_number
  FROM ratings
  GROUP BY
    GROUPING SETS (
      (
        source
      ),
      (source, queue),
      (source, priority),
      (source, channel),
      (source, tier)
    )
)
SELECT
  source,
  dimension,
  dimension_value,
  CAST(rated_cases AS BIGINT) AS rated_cases,
  CAST(good_cases AS BIGINT) AS good_cases,
  CAST(bad_cases AS BIGINT) AS bad_cases,
  CAST(CAST(100.0 * good_cases AS DOUBLE) / CAST(NULLIF(rated_cases, 0) AS DOUBLE) AS DOUBLE) AS satisfaction_pct,
  CAST(rating_mean_number AS DOUBLE) AS rating_mean_number
FROM rating_counts

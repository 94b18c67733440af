-- The Spark SQL of sql/mart/agreement/source_clock_examples.sql, written by `make docs`.
WITH ranked_verdicts AS (
  SELECT
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
    ROW_NUMBER() OVER (
      PARTITION BY source, metric, comparison
      ORDER BY ABS(difference_seconds) DESC, case_id NULLS LAST, verdict_id NULLS LAST
    ) AS example_number
  FROM staging.source_clock_comparison
)
SELECT
  source,
  metric,
  comparison,
  CAST(example_number AS BIGINT) AS example_number,
  case_id,
  cycle,
  policy,
  source_is_breached,
  outcome,
  source_elapsed_seconds,
  elapsed_seconds,
  difference_seconds
FROM ranked_verdicts
WHERE
  example_number <= 3

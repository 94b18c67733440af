-- The Spark SQL of sql/checks/mart.sla_overview/assert_incomplete_clocks_are_those_of_cases.sql, written by `make docs`.
WITH counted_clocks AS (
  SELECT
    source,
    policy,
    metric,
    SUM(incomplete_clocks) AS clocks
  FROM mart.sla_overview
  WHERE
    dimension = 'all'
  GROUP BY
    source,
    policy,
    metric
), marked_clocks AS (
  SELECT
    clocks.source,
    clocks.policy,
    clocks.metric,
    COUNT(*) AS clocks
  FROM mart.sla_attainment AS clocks
  INNER JOIN mart.incomplete_cases AS incomplete_cases
    ON clocks.intake_date = incomplete_cases.intake_date
    AND clocks.case_id = incomplete_cases.case_id
  WHERE
    clocks.is_incomplete AND clocks.outcome IN ('met', 'breached')
  GROUP BY
    clocks.source,
    clocks.policy,
    clocks.metric
)
SELECT
  COALESCE(counted_clocks.source, marked_clocks.source) AS source,
  COALESCE(counted_clocks.policy, marked_clocks.policy) AS policy,
  COALESCE(counted_clocks.metric, marked_clocks.metric) AS metric,
  counted_clocks.clocks AS counted_clocks,
  marked_clocks.clocks AS marked_clocks
FROM counted_clocks
FULL JOIN marked_clocks
  ON counted_clocks.source = marked_clocks.source
  AND counted_clocks.policy = marked_clocks.policy
  AND counted_clocks.metric = marked_clocks.metric
WHERE
  COALESCE(counted_clocks.clocks, 0) <> COALESCE(marked_clocks.clocks, 0)

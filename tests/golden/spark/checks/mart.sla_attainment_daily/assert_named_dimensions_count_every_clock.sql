-- The Spark SQL of sql/checks/mart.sla_attainment_daily/assert_named_dimensions_count_every_clock.sql, written by `make docs`.
WITH attainment_counts AS (
  SELECT
    intake_date,
    dimension,
    SUM(clocks) AS clocks
  FROM mart.sla_attainment_daily
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date,
    dimension
), clocks AS (
  SELECT
    clocks.intake_date,
    dimensions.dimension_name,
    COUNT(*) AS clocks
  FROM staging.sla_clocks AS clocks
  INNER JOIN staging.case_dimensions AS dimensions
    ON clocks.case_id = dimensions.case_id
    AND clocks.intake_date = dimensions.intake_date
  WHERE
    clocks.intake_date >= :start_date
    AND clocks.intake_date < :end_date
    AND dimensions.intake_date >= :start_date
    AND dimensions.intake_date < :end_date
  GROUP BY
    clocks.intake_date,
    dimensions.dimension_name
)
SELECT
  clocks.intake_date,
  clocks.dimension_name,
  clocks.clocks,
  attainment_counts.clocks AS counted_clocks
FROM clocks
LEFT JOIN attainment_counts
  ON clocks.intake_date = attainment_counts.intake_date
  AND clocks.dimension_name = attainment_counts.dimension
WHERE
  clocks.clocks IS DISTINCT FROM attainment_counts.clocks

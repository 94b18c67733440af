-- The Spark SQL of sql/checks/mart.sla_attainment_daily/assert_every_clock_is_counted.sql, written by `make docs`.
WITH attainment_counts AS (
  SELECT
    intake_date,
    dimension,
    SUM(clocks) AS clocks,
    SUM(met_clocks + breached_clocks + running_clocks + unknown_clocks) AS judged_clocks
  FROM mart.sla_attainment_daily
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND dimension IN ('all', 'queue', 'priority', 'tier', 'region', 'brand', 'channel')
  GROUP BY
    intake_date,
    dimension
), clocks AS (
  SELECT
    intake_date,
    COUNT(*) AS clocks
  FROM staging.sla_clocks
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  clocks.intake_date,
  attainment_counts.dimension,
  clocks.clocks,
  attainment_counts.clocks AS counted_clocks
FROM clocks
LEFT JOIN attainment_counts
  ON clocks.intake_date = attainment_counts.intake_date
WHERE
  clocks.clocks IS DISTINCT FROM attainment_counts.clocks
  OR clocks.clocks IS DISTINCT FROM attainment_counts.judged_clocks

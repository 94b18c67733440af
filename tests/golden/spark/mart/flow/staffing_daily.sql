-- The Spark SQL of sql/mart/flow/staffing_daily.sql, written by `make docs`.
SELECT
  calendar_date,
  planned_heads,
  effective_heads,
  CAST(CAST(100.0 * (
    planned_heads - effective_heads
  ) AS DOUBLE) / CAST(NULLIF(planned_heads, 0) AS DOUBLE) AS DOUBLE) AS shrinkage_pct
FROM staging.day_load
WHERE
  NOT planned_heads IS NULL

-- The Spark SQL of sql/checks/mart.staffing_plan/assert_shares_of_queues_add_up.sql, written by `make docs`.
WITH whole AS (
  SELECT
    metric,
    iso_weekday,
    hour_of_day,
    heads
  FROM mart.staffing_plan
  WHERE
    roster = 'plan' AND queue = 'all'
), shares AS (
  SELECT
    metric,
    iso_weekday,
    hour_of_day,
    SUM(heads) AS heads
  FROM mart.staffing_plan
  WHERE
    roster = 'plan' AND queue <> 'all'
  GROUP BY
    metric,
    iso_weekday,
    hour_of_day
)
SELECT
  whole.metric,
  whole.iso_weekday,
  whole.hour_of_day,
  whole.heads,
  shares.heads AS queue_heads
FROM whole
INNER JOIN shares
  ON whole.metric = shares.metric
  AND whole.iso_weekday = shares.iso_weekday
  AND whole.hour_of_day = shares.hour_of_day
WHERE
  ABS(whole.heads - shares.heads) > 0.000001

-- The Spark SQL of sql/checks/mart.staffing_replay/warn_predictions_are_off.sql, written by `make docs`.
SELECT
  metric,
  AVG(ABS(error_points)) AS mean_error_points,
  COUNT(error_points) AS weeks
FROM mart.staffing_replay
WHERE
  clocks >= 200
GROUP BY
  metric
HAVING
  COUNT(error_points) >= 4 AND AVG(ABS(error_points)) > 3

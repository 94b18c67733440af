-- The Spark SQL of sql/staging/clocks/sla_signal_roles.sql, written by `make docs`.
WITH ways_of_reopening AS (
  SELECT
    'freeze' AS reopen
  UNION ALL
  SELECT
    'restart' AS reopen
  UNION ALL
  SELECT
    'resume' AS reopen
  UNION ALL
  SELECT
    'void' AS reopen
), metrics AS (
  SELECT
    metric,
    BOOL_OR(is_repeating) AS is_repeating,
    BOOL_OR(role = 'cancel') AS is_cancellable,
    BOOL_OR(role = 'start' AND signal = 'INTAKE') AS is_started_by_intake,
    BOOL_OR(role = 'start' AND signal = 'CUSTOMER_MESSAGE') AS is_started_by_customers,
    BOOL_OR(role = 'start_if_outbound') AS is_started_otherwise_if_outbound,
    BOOL_OR(role = 'after') AS is_started_after_another_signal,
    BOOL_OR(signal IN ('GROUP_ASSIGNED', 'GROUP_CHANGED')) AS is_about_groups
  FROM staging.sla_metric_rules
  GROUP BY
    metric
), rules AS (
  SELECT
    rules.metric,
    ways_of_reopening.reopen,
    rules.signal,
    rules.role,
    rules.role = 'reopen' AND ways_of_reopening.reopen <> 'freeze' AS is_restart
  FROM staging.sla_metric_rules AS rules
  CROSS JOIN ways_of_reopening
  WHERE
    rules.role <> 'pause'
), roles AS (
  SELECT
    metric,
    reopen,
    signal,
    BOOL_OR(role = 'start' OR is_restart) AS is_start,
    BOOL_OR(
      role = 'start_if_outbound'
      OR (
        role = 'start' AND signal <> 'INTAKE'
      )
      OR is_restart
    ) AS is_start_but_intake,
    BOOL_OR(role = 'stop') AS is_stop,
    BOOL_OR(role IN ('stop', 'cancel')) AS is_end,
    BOOL_OR(role = 'after') AS is_after
  FROM rules
  GROUP BY
    metric,
    reopen,
    signal
)
SELECT
  roles.metric,
  roles.reopen,
  roles.signal,
  roles.is_start,
  CASE
    WHEN metrics.is_started_otherwise_if_outbound
    THEN roles.is_start_but_intake
    ELSE roles.is_start
  END AS is_outbound_start,
  roles.is_stop,
  roles.is_end,
  roles.is_after,
  metrics.is_repeating,
  roles.reopen = 'freeze'
  AND NOT metrics.is_repeating
  AND NOT metrics.is_cancellable
  AND NOT metrics.is_started_after_another_signal
  AND NOT metrics.is_about_groups AS is_run_once,
  roles.reopen IN ('resume', 'void') AND NOT metrics.is_repeating AS is_run_in_parts,
  metrics.is_started_by_intake,
  metrics.is_started_by_customers,
  metrics.is_started_otherwise_if_outbound,
  metrics.is_started_after_another_signal
FROM roles
INNER JOIN metrics
  ON roles.metric = metrics.metric

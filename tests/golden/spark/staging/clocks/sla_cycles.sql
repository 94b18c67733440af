-- The Spark SQL of sql/staging/clocks/sla_cycles.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts,
    is_cancelled,
    is_merged,
    COALESCE(initiated_by IN ('agent', 'automation'), FALSE) AS is_outbound,
    ended_at
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), outbound_cases AS (
  SELECT
    case_id
  FROM cases
  WHERE
    is_outbound
), promised_metrics AS (
  SELECT DISTINCT
    case_id,
    metric,
    reopen
  FROM staging.case_sla_policies
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), signal_roles AS (
  SELECT
    roles.*
  FROM staging.sla_signal_roles AS roles
  INNER JOIN (
    SELECT DISTINCT
      metric,
      reopen
    FROM promised_metrics
  ) AS promised
    ON roles.metric = promised.metric AND roles.reopen = promised.reopen
), modes AS (
  SELECT DISTINCT
    metric,
    reopen,
    is_repeating,
    is_run_once,
    is_run_in_parts,
    is_started_by_intake,
    is_started_otherwise_if_outbound
  FROM signal_roles
), case_metrics AS (
  SELECT
    cases.case_id,
    cases.intake_ts,
    modes.metric,
    modes.reopen,
    modes.is_run_once,
    modes.is_started_by_intake
    AND NOT (
      cases.is_outbound AND modes.is_started_otherwise_if_outbound
    ) AS is_started_by_intake
  FROM promised_metrics AS promised
  INNER JOIN cases
    ON promised.case_id = cases.case_id
  INNER JOIN modes
    ON promised.metric = modes.metric AND promised.reopen = modes.reopen
), metric_signals AS (
  SELECT
    signals.case_id,
    roles.metric,
    roles.reopen,
    roles.is_run_once,
    roles.is_started_by_intake
    AND NOT (
      NOT outbound_cases.case_id IS NULL AND roles.is_started_otherwise_if_outbound
    ) AS is_started_by_intake,
    roles.is_started_by_customers AND NOT outbound_cases.case_id IS NULL AS is_asked_after_intake,
    roles.is_started_after_another_signal,
    signals.signal,
    signals.signal_order,
    signals.signal_at,
    signals.event_id,
    CASE
      WHEN NOT outbound_cases.case_id IS NULL
      THEN roles.is_outbound_start
      ELSE roles.is_start
    END AS is_start,
    roles.is_stop,
    roles.is_end,
    roles.is_after
  FROM staging.sla_signals AS signals
  INNER JOIN signal_roles AS roles
    ON signals.signal = roles.signal
  LEFT JOIN outbound_cases
    ON signals.case_id = outbound_cases.case_id
  WHERE
    signals.intake_date >= :start_date AND signals.intake_date < :end_date
), first_starts AS (
  SELECT
    case_id,
    metric,
    MIN(signal_order) AS signal_order,
    MIN(signal_at) AS signal_at,
    MIN_BY(event_id, signal_order) FILTER(WHERE
      NOT event_id IS NULL) AS event_id
  FROM metric_signals
  WHERE
    is_run_once AND is_start AND NOT is_started_by_intake
  GROUP BY
    case_id,
    metric
), first_stops AS (
  SELECT
    signals.case_id,
    signals.metric,
    MIN(signals.signal_at) AS signal_at,
    MIN_BY(signals.event_id, signals.signal_order) FILTER(WHERE
      NOT signals.event_id IS NULL) AS event_id
  FROM metric_signals AS signals
  LEFT JOIN first_starts AS starts
    ON signals.case_id = starts.case_id AND signals.metric = starts.metric
  WHERE
    signals.is_run_once
    AND signals.is_stop
    AND (
      starts.signal_order IS NULL OR signals.signal_order > starts.signal_order
    )
  GROUP BY
    signals.case_id,
    signals.metric
), first_runs AS (
  SELECT
    metrics.case_id,
    metrics.metric,
    metrics.reopen,
    CAST(1 AS BIGINT) AS run_number,
    CASE
      WHEN metrics.is_started_by_intake
      THEN metrics.intake_ts
      ELSE starts.signal_at
    END AS started_at,
    starts.event_id AS start_event_id,
    stops.signal_at AS ended_by_signal_at,
    stops.event_id AS end_event_id,
    NOT stops.signal_at IS NULL AS is_stopped_by_event,
    CAST(NULL AS STRING) AS reason_ended_by_signal
  FROM case_metrics AS metrics
  LEFT JOIN first_starts AS starts
    ON metrics.case_id = starts.case_id AND metrics.metric = starts.metric
  LEFT JOIN first_stops AS stops
    ON metrics.case_id = stops.case_id AND metrics.metric = stops.metric
  WHERE
    metrics.is_run_once
), first_messages AS (
  SELECT
    case_id,
    metric,
    MIN(signal_order) AS signal_order
  FROM metric_signals
  WHERE
    is_asked_after_intake AND signal = 'CUSTOMER_MESSAGE'
  GROUP BY
    case_id,
    metric
), after_signals AS (
  SELECT
    signals.case_id,
    signals.metric,
    MIN(signals.signal_order) AS signal_order
  FROM metric_signals AS signals
  LEFT JOIN first_messages AS messages
    ON signals.case_id = messages.case_id AND signals.metric = messages.metric
  WHERE
    signals.is_after
    AND (
      NOT signals.is_asked_after_intake OR signals.signal_order > messages.signal_order
    )
  GROUP BY
    signals.case_id,
    signals.metric
), walked_signals AS (
  SELECT
    metrics.case_id,
    metrics.metric,
    metrics.reopen,
    CAST(0 AS BIGINT) AS signal_order,
    metrics.intake_ts AS signal_at,
    CAST(NULL AS STRING) AS event_id,
    'INTAKE' AS signal,
    TRUE AS is_start,
    FALSE AS is_stop,
    FALSE AS is_end
  FROM case_metrics AS metrics
  WHERE
    metrics.is_started_by_intake AND NOT metrics.is_run_once
  UNION ALL
  SELECT
    signals.case_id,
    signals.metric,
    signals.reopen,
    signals.signal_order,
    signals.signal_at,
    signals.event_id,
    signals.signal,
    signals.is_start
    AND (
      NOT signals.is_started_after_another_signal
      OR COALESCE(signals.signal_order > after_signals.signal_order, FALSE)
    ) AS is_start,
    signals.is_stop,
    signals.is_end
  FROM metric_signals AS signals
  INNER JOIN promised_metrics AS promised
    ON signals.case_id = promised.case_id
    AND signals.metric = promised.metric
    AND signals.reopen = promised.reopen
  LEFT JOIN after_signals
    ON signals.case_id = after_signals.case_id AND signals.metric = after_signals.metric
  WHERE
    NOT signals.is_run_once
), steps AS (
  SELECT
    case_id,
    metric,
    reopen,
    signal_order,
    signal_at,
    event_id,
    BOOL_OR(is_start) AS is_start,
    BOOL_OR(is_stop) AS is_stop,
    BOOL_OR(is_end) AS is_end,
    BOOL_OR(is_end AND signal IN ('RESOLVED', 'CLOSED', 'CANCELLED', 'MERGED')) AS is_end_of_case,
    MAX(
      CASE
        WHEN is_end AND signal = 'CANCELLED'
        THEN 'cancelled'
        WHEN is_end AND signal = 'MERGED'
        THEN 'merged'
      END
    ) AS reason
  FROM walked_signals
  WHERE
    is_start OR is_end
  GROUP BY
    case_id,
    metric,
    reopen,
    signal_order,
    signal_at,
    event_id
), steps_with_state AS (
  SELECT
    *,
    COALESCE(
      LAG(is_start) OVER (PARTITION BY case_id, metric, reopen ORDER BY signal_order NULLS LAST),
      FALSE
    ) AS is_running
  FROM steps
), state_changes AS (
  SELECT
    *,
    is_start AND (
      is_end OR NOT is_running
    ) AS is_begin
  FROM steps_with_state
  WHERE
    (
      is_start AND (
        is_end OR NOT is_running
      )
    )
    OR (
      is_running AND is_end
    )
), changes_with_next AS (
  SELECT
    *,
    LEAD(signal_at) OVER changes_in_order AS ended_by_signal_at,
    LEAD(event_id) OVER changes_in_order AS end_event_id,
    LEAD(is_stop) OVER changes_in_order AS is_stopped_by_event,
    LEAD(is_end_of_case) OVER changes_in_order AS is_ended_by_end_of_case,
    LEAD(reason) OVER changes_in_order AS reason_ended_by_signal
  FROM state_changes
  WINDOW changes_in_order AS (PARTITION BY case_id, metric, reopen ORDER BY signal_order NULLS LAST)
), walked_runs AS (
  SELECT
    changes.case_id,
    changes.metric,
    changes.reopen,
    ROW_NUMBER() OVER (
      PARTITION BY changes.case_id, changes.metric, changes.reopen
      ORDER BY changes.signal_order NULLS LAST
    ) AS run_number,
    changes.signal_at AS started_at,
    changes.event_id AS start_event_id,
    changes.ended_by_signal_at,
    changes.end_event_id,
    COALESCE(changes.is_stopped_by_event, FALSE) AS is_stopped_by_event,
    changes.reason_ended_by_signal
  FROM changes_with_next AS changes
  INNER JOIN modes
    ON changes.metric = modes.metric AND changes.reopen = modes.reopen
  WHERE
    changes.is_begin
    AND NOT (
      modes.is_repeating
      AND COALESCE(
        changes.is_ended_by_end_of_case
        AND changes.ended_by_signal_at = changes.signal_at,
        FALSE
      )
    )
), runs AS (
  SELECT
    *
  FROM first_runs
  UNION ALL
  SELECT
    *
  FROM walked_runs
), parts AS (
  SELECT
    cases.source,
    runs.case_id,
    cases.intake_date,
    runs.metric,
    runs.reopen,
    modes.is_run_in_parts,
    CASE WHEN modes.is_run_in_parts THEN 1 ELSE runs.run_number END AS cycle,
    CASE WHEN modes.is_run_in_parts THEN runs.run_number ELSE 1 END AS part,
    CASE
      WHEN runs.started_at < cases.intake_ts
      THEN cases.intake_ts
      ELSE runs.started_at
    END AS started_at,
    COALESCE(runs.ended_by_signal_at, cases.ended_at) AS stopped_at,
    runs.is_stopped_by_event,
    CASE
      WHEN runs.is_stopped_by_event
      THEN NULL
      WHEN NOT runs.ended_by_signal_at IS NULL
      THEN COALESCE(runs.reason_ended_by_signal, 'ended_without_stop')
      WHEN cases.ended_at IS NULL
      THEN NULL
      WHEN cases.is_merged
      THEN 'merged'
      WHEN cases.is_cancelled
      THEN 'cancelled'
      ELSE 'ended_without_stop'
    END AS reason,
    runs.start_event_id,
    runs.end_event_id
  FROM runs
  INNER JOIN cases
    ON runs.case_id = cases.case_id
  INNER JOIN modes
    ON runs.metric = modes.metric AND runs.reopen = modes.reopen
  WHERE
    NOT runs.started_at IS NULL
    AND (
      runs.run_number = 1 OR modes.is_repeating OR runs.reopen <> 'freeze'
    )
    AND NOT (
      (
        modes.is_repeating
        OR (
          cases.is_outbound AND modes.is_started_otherwise_if_outbound
        )
      )
      AND runs.ended_by_signal_at IS NULL
      AND COALESCE(runs.started_at >= cases.ended_at OR cases.intake_ts >= cases.ended_at, FALSE)
    )
), cycles_in_parts AS (
  SELECT
    case_id,
    metric,
    reopen,
    MIN(started_at) AS started_at,
    MAX(start_event_id) FILTER(WHERE
      part = 1) AS start_event_id,
    MAX(part) AS parts
  FROM parts
  WHERE
    is_run_in_parts
  GROUP BY
    case_id,
    metric,
    reopen
)
SELECT
  parts.source,
  parts.case_id,
  parts.intake_date,
  parts.metric,
  parts.reopen,
  CAST(parts.cycle AS BIGINT) AS cycle,
  CAST(parts.part AS BIGINT) AS part,
  parts.started_at,
  parts.stopped_at,
  CASE WHEN parts.part > 1 THEN cycles.started_at ELSE parts.started_at END AS cycle_started_at,
  cycles.parts IS NULL OR parts.part = cycles.parts AS is_last_part,
  parts.is_stopped_by_event,
  parts.reason,
  CASE WHEN parts.part > 1 THEN cycles.start_event_id ELSE parts.start_event_id END AS start_event_id,
  parts.end_event_id
FROM parts
LEFT JOIN cycles_in_parts AS cycles
  ON parts.is_run_in_parts
  AND parts.case_id = cycles.case_id
  AND parts.metric = cycles.metric
  AND parts.reopen = cycles.reopen

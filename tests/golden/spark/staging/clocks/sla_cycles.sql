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
), signals AS (
  SELECT
    case_id,
    signal,
    signal_at,
    sort_rank,
    source_sequence,
    event_id
  FROM staging.sla_signals
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), metric_rules AS (
  SELECT
    *
  FROM staging.sla_metric_rules
), promised_to_cases AS (
  SELECT DISTINCT
    case_id,
    metric,
    reopen
  FROM staging.case_sla_policies
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), metrics AS (
  SELECT
    metric,
    BOOL_OR(is_repeating) AS is_repeating,
    BOOL_OR(role = 'cancel') AS is_cancellable,
    BOOL_OR(role = 'start' AND signal = 'INTAKE') AS starts_at_intake,
    BOOL_OR(role = 'start_if_outbound') AS starts_otherwise_if_outbound,
    BOOL_OR(role = 'after') AS starts_after_a_signal,
    BOOL_OR(role = 'start' AND signal = 'CUSTOMER_MESSAGE') AS starts_when_customers_write,
    BOOL_OR(signal IN ('GROUP_ASSIGNED', 'GROUP_CHANGED')) AS asks_for_groups
  FROM metric_rules
  GROUP BY
    metric
), modes AS (
  SELECT
    promised.metric,
    promised.reopen,
    metrics.is_repeating,
    metrics.starts_at_intake,
    metrics.starts_otherwise_if_outbound,
    metrics.starts_after_a_signal,
    promised.reopen IN ('resume', 'void') AND NOT metrics.is_repeating AS runs_in_parts,
    promised.reopen = 'freeze'
    AND NOT metrics.is_repeating
    AND NOT metrics.is_cancellable
    AND NOT metrics.starts_after_a_signal
    AND NOT metrics.asks_for_groups AS runs_once
  FROM (
    SELECT DISTINCT
      metric,
      reopen
    FROM promised_to_cases
  ) AS promised
  INNER JOIN metrics
    ON promised.metric = metrics.metric
), signal_roles AS (
  SELECT
    modes.metric,
    modes.reopen,
    modes.runs_once,
    modes.starts_after_a_signal,
    modes.starts_otherwise_if_outbound,
    rules.signal,
    BOOL_OR(rules.role = 'start' OR (
      rules.role = 'reopen' AND modes.reopen <> 'freeze'
    )) AS is_start,
    BOOL_OR(
      rules.role = 'start_if_outbound'
      OR (
        rules.role = 'start' AND rules.signal <> 'INTAKE'
      )
      OR (
        rules.role = 'reopen' AND modes.reopen <> 'freeze'
      )
    ) AS is_outbound_start,
    BOOL_OR(rules.role = 'stop') AS is_stop,
    BOOL_OR(rules.role IN ('stop', 'cancel')) AS is_end
  FROM modes
  INNER JOIN metric_rules AS rules
    ON modes.metric = rules.metric
  WHERE
    NOT rules.role IN ('pause', 'after')
  GROUP BY
    modes.metric,
    modes.reopen,
    modes.runs_once,
    modes.starts_after_a_signal,
    modes.starts_otherwise_if_outbound,
    rules.signal
), outbound_cases AS (
  SELECT
    case_id
  FROM cases
  WHERE
    is_outbound
), first_starts AS (
  SELECT
    signals.case_id,
    signal_roles.metric,
    signals.signal_at,
    signals.source_sequence,
    signals.event_id,
    ROW_NUMBER() OVER (
      PARTITION BY signals.case_id, signal_roles.metric
      ORDER BY signals.signal_at NULLS LAST, signals.source_sequence NULLS LAST, signals.event_id NULLS LAST
    ) AS start_number
  FROM signals
  INNER JOIN signal_roles
    ON signals.signal = signal_roles.signal
  INNER JOIN modes
    ON signal_roles.metric = modes.metric AND signal_roles.reopen = modes.reopen
  WHERE
    signal_roles.runs_once AND signal_roles.is_start AND NOT modes.starts_at_intake
  UNION ALL
  SELECT
    signals.case_id,
    signal_roles.metric,
    signals.signal_at,
    signals.source_sequence,
    signals.event_id,
    ROW_NUMBER() OVER (
      PARTITION BY signals.case_id, signal_roles.metric
      ORDER BY signals.signal_at NULLS LAST, signals.source_sequence NULLS LAST, signals.event_id NULLS LAST
    ) AS start_number
  FROM signals
  INNER JOIN outbound_cases
    ON signals.case_id = outbound_cases.case_id
  INNER JOIN signal_roles
    ON signals.signal = signal_roles.signal
  WHERE
    signal_roles.runs_once
    AND signal_roles.is_outbound_start
    AND signal_roles.starts_otherwise_if_outbound
), later_starts AS (
  SELECT
    case_id,
    metric,
    signal_at,
    source_sequence,
    event_id
  FROM first_starts
  WHERE
    start_number = 1
), first_stops AS (
  SELECT
    signals.case_id,
    signal_roles.metric,
    signals.signal_at,
    signals.event_id,
    ROW_NUMBER() OVER (
      PARTITION BY signals.case_id, signal_roles.metric
      ORDER BY signals.signal_at NULLS LAST, signals.source_sequence NULLS LAST, signals.event_id NULLS LAST
    ) AS stop_number
  FROM signals
  INNER JOIN signal_roles
    ON signals.signal = signal_roles.signal
  LEFT JOIN later_starts
    ON signals.case_id = later_starts.case_id
    AND signal_roles.metric = later_starts.metric
  WHERE
    signal_roles.runs_once
    AND signal_roles.is_stop
    AND (
      later_starts.signal_at IS NULL
      OR signals.signal_at > later_starts.signal_at
      OR (
        signals.signal_at = later_starts.signal_at
        AND signals.source_sequence > later_starts.source_sequence
      )
    )
), single_run_intervals AS (
  SELECT
    cases.case_id,
    modes.metric,
    modes.reopen,
    CAST(1 AS BIGINT) AS run_number,
    CASE
      WHEN modes.starts_at_intake
      AND NOT (
        cases.is_outbound AND modes.starts_otherwise_if_outbound
      )
      THEN cases.intake_ts
      ELSE later_starts.signal_at
    END AS started_at,
    later_starts.event_id AS start_event_id,
    first_stops.signal_at AS ended_by_signal_at,
    first_stops.event_id AS end_event_id,
    NOT first_stops.signal_at IS NULL AS is_stopped_by_event,
    CAST(NULL AS STRING) AS reason_ended_by_signal
  FROM cases
  CROSS JOIN modes
  LEFT JOIN later_starts
    ON cases.case_id = later_starts.case_id AND modes.metric = later_starts.metric
  LEFT JOIN first_stops
    ON cases.case_id = first_stops.case_id
    AND modes.metric = first_stops.metric
    AND first_stops.stop_number = 1
  WHERE
    modes.runs_once
), first_messages_of_outbound_cases AS (
  SELECT
    signals.case_id,
    signals.sort_rank,
    signals.signal_at,
    signals.source_sequence,
    signals.event_id,
    ROW_NUMBER() OVER (
      PARTITION BY signals.case_id
      ORDER BY signals.signal_at NULLS LAST, signals.source_sequence NULLS LAST, signals.event_id NULLS LAST
    ) AS message_number
  FROM signals
  INNER JOIN outbound_cases
    ON signals.case_id = outbound_cases.case_id
  WHERE
    signals.signal = 'CUSTOMER_MESSAGE'
), after_signals AS (
  SELECT
    signals.case_id,
    rules.metric,
    signals.sort_rank,
    signals.signal_at,
    signals.source_sequence,
    signals.event_id,
    ROW_NUMBER() OVER (
      PARTITION BY signals.case_id, rules.metric
      ORDER BY signals.sort_rank NULLS LAST, signals.signal_at NULLS LAST, signals.source_sequence NULLS LAST, signals.event_id NULLS LAST
    ) AS signal_number
  FROM signals
  INNER JOIN metric_rules AS rules
    ON signals.signal = rules.signal
  INNER JOIN metrics
    ON rules.metric = metrics.metric
  LEFT JOIN outbound_cases
    ON signals.case_id = outbound_cases.case_id
  LEFT JOIN first_messages_of_outbound_cases AS first_messages
    ON signals.case_id = first_messages.case_id AND first_messages.message_number = 1
  WHERE
    rules.role = 'after'
    AND (
      outbound_cases.case_id IS NULL
      OR NOT metrics.starts_when_customers_write
      OR (
        signals.sort_rank = first_messages.sort_rank
        AND (
          signals.signal_at > first_messages.signal_at
          OR (
            signals.signal_at = first_messages.signal_at
            AND signals.source_sequence > first_messages.source_sequence
          )
          OR (
            signals.signal_at = first_messages.signal_at
            AND signals.source_sequence = first_messages.source_sequence
            AND signals.event_id > first_messages.event_id
          )
        )
      )
    )
), metric_signals AS (
  SELECT
    cases.case_id,
    signal_roles.metric,
    signal_roles.reopen,
    CAST(0 AS BIGINT) AS sort_rank,
    cases.intake_ts AS signal_at,
    CAST(NULL AS BIGINT) AS source_sequence,
    CAST(NULL AS STRING) AS event_id,
    'INTAKE' AS signal,
    signal_roles.is_start,
    signal_roles.is_stop,
    signal_roles.is_end
  FROM cases
  INNER JOIN signal_roles
    ON signal_roles.signal = 'INTAKE'
  WHERE
    NOT signal_roles.runs_once
    AND NOT signal_roles.starts_after_a_signal
    AND NOT (
      cases.is_outbound AND signal_roles.starts_otherwise_if_outbound
    )
  UNION ALL
  SELECT
    signals.case_id,
    signal_roles.metric,
    signal_roles.reopen,
    signals.sort_rank,
    signals.signal_at,
    signals.source_sequence,
    signals.event_id,
    signals.signal,
    CASE
      WHEN NOT outbound_cases.case_id IS NULL AND signal_roles.starts_otherwise_if_outbound
      THEN signal_roles.is_outbound_start
      ELSE signal_roles.is_start
    END
    AND (
      NOT signal_roles.starts_after_a_signal
      OR COALESCE(
        signals.sort_rank > after_signals.sort_rank
        OR (
          signals.sort_rank = after_signals.sort_rank
          AND signals.signal_at > after_signals.signal_at
        )
        OR (
          signals.sort_rank = after_signals.sort_rank
          AND signals.signal_at = after_signals.signal_at
          AND signals.source_sequence > after_signals.source_sequence
        )
        OR (
          signals.sort_rank = after_signals.sort_rank
          AND signals.signal_at = after_signals.signal_at
          AND signals.source_sequence = after_signals.source_sequence
          AND signals.event_id > after_signals.event_id
        ),
        FALSE
      )
    ) AS is_start,
    signal_roles.is_stop,
    signal_roles.is_end
  FROM signals
  INNER JOIN signal_roles
    ON signals.signal = signal_roles.signal
  LEFT JOIN outbound_cases
    ON signals.case_id = outbound_cases.case_id
  LEFT JOIN after_signals
    ON signals.case_id = after_signals.case_id
    AND signal_roles.metric = after_signals.metric
    AND after_signals.signal_number = 1
  WHERE
    NOT signal_roles.runs_once
    AND (
      signal_roles.is_start OR signal_roles.is_outbound_start OR signal_roles.is_end
    )
), signal_steps AS (
  SELECT
    case_id,
    metric,
    reopen,
    sort_rank,
    signal_at,
    source_sequence,
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
  FROM metric_signals
  WHERE
    is_start OR is_end
  GROUP BY
    case_id,
    metric,
    reopen,
    sort_rank,
    signal_at,
    source_sequence,
    event_id
), steps_with_state AS (
  SELECT
    *,
    COALESCE(LAG(is_start) OVER steps_in_order, FALSE) AS is_running
  FROM signal_steps
  WINDOW steps_in_order AS (
    PARTITION BY case_id, metric, reopen
    ORDER BY sort_rank NULLS LAST, signal_at NULLS LAST, source_sequence NULLS LAST, event_id NULLS LAST
  )
), state_changes AS (
  SELECT
    *,
    is_start AND (
      is_end OR NOT is_running
    ) AS begins,
    is_running AND is_end AS ends
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
), paired_changes AS (
  SELECT
    *,
    LEAD(signal_at) OVER changes_in_order AS ended_by_signal_at,
    LEAD(event_id) OVER changes_in_order AS end_event_id,
    LEAD(is_stop) OVER changes_in_order AS is_stopped_by_event,
    LEAD(is_end_of_case) OVER changes_in_order AS is_ended_by_end_of_case,
    LEAD(reason) OVER changes_in_order AS reason_ended_by_signal
  FROM state_changes
  WINDOW changes_in_order AS (
    PARTITION BY case_id, metric, reopen
    ORDER BY sort_rank NULLS LAST, signal_at NULLS LAST, source_sequence NULLS LAST, event_id NULLS LAST
  )
), repeating_intervals AS (
  SELECT
    changes.case_id,
    changes.metric,
    changes.reopen,
    ROW_NUMBER() OVER (
      PARTITION BY changes.case_id, changes.metric, changes.reopen
      ORDER BY changes.sort_rank NULLS LAST, changes.signal_at NULLS LAST, changes.source_sequence NULLS LAST, changes.event_id NULLS LAST
    ) AS run_number,
    changes.signal_at AS started_at,
    changes.event_id AS start_event_id,
    changes.ended_by_signal_at,
    changes.end_event_id,
    COALESCE(changes.is_stopped_by_event, FALSE) AS is_stopped_by_event,
    changes.reason_ended_by_signal
  FROM paired_changes AS changes
  INNER JOIN modes
    ON changes.metric = modes.metric AND changes.reopen = modes.reopen
  WHERE
    changes.begins
    AND NOT (
      modes.is_repeating
      AND COALESCE(
        changes.is_ended_by_end_of_case
        AND changes.ended_by_signal_at = changes.signal_at,
        FALSE
      )
    )
), all_intervals AS (
  SELECT
    *
  FROM single_run_intervals
  UNION ALL
  SELECT
    *
  FROM repeating_intervals
), clipped_intervals AS (
  SELECT
    cases.source,
    runs.case_id,
    cases.intake_date,
    runs.metric,
    runs.reopen,
    modes.runs_in_parts,
    CASE WHEN modes.runs_in_parts THEN 1 ELSE runs.run_number END AS cycle,
    CASE WHEN modes.runs_in_parts THEN runs.run_number ELSE 1 END AS part,
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
  FROM all_intervals AS runs
  INNER JOIN cases
    ON runs.case_id = cases.case_id
  INNER JOIN promised_to_cases AS promised
    ON runs.case_id = promised.case_id
    AND runs.metric = promised.metric
    AND runs.reopen = promised.reopen
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
          cases.is_outbound AND modes.starts_otherwise_if_outbound
        )
      )
      AND runs.ended_by_signal_at IS NULL
      AND COALESCE(runs.started_at >= cases.ended_at OR cases.intake_ts >= cases.ended_at, FALSE)
    )
), resumed_cycle_bounds AS (
  SELECT
    case_id,
    metric,
    reopen,
    MIN(started_at) AS started_at,
    MAX(start_event_id) FILTER(WHERE
      part = 1) AS start_event_id,
    MAX(part) AS parts
  FROM clipped_intervals
  WHERE
    runs_in_parts
  GROUP BY
    case_id,
    metric,
    reopen
)
SELECT
  intervals.source,
  intervals.case_id,
  intervals.intake_date,
  intervals.metric,
  intervals.reopen,
  CAST(intervals.cycle AS BIGINT) AS cycle,
  CAST(intervals.part AS BIGINT) AS part,
  intervals.started_at,
  intervals.stopped_at,
  CASE
    WHEN intervals.part > 1
    THEN resumed_cycle_bounds.started_at
    ELSE intervals.started_at
  END AS cycle_started_at,
  resumed_cycle_bounds.parts IS NULL OR intervals.part = resumed_cycle_bounds.parts AS is_last_part,
  intervals.is_stopped_by_event,
  intervals.reason,
  CASE
    WHEN intervals.part > 1
    THEN resumed_cycle_bounds.start_event_id
    ELSE intervals.start_event_id
  END AS start_event_id,
  intervals.end_event_id
FROM clipped_intervals AS intervals
LEFT JOIN resumed_cycle_bounds
  ON intervals.runs_in_parts
  AND intervals.case_id = resumed_cycle_bounds.case_id
  AND intervals.metric = resumed_cycle_bounds.metric
  AND intervals.reopen = resumed_cycle_bounds.reopen

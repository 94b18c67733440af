-- The Spark SQL of sql/staging/clocks/sla_clock_spans.sql, written by `make docs`.
WITH runs AS (
  SELECT
    *
  FROM staging.sla_clock_windows
  WHERE
    intake_date >= :start_date
    AND intake_date < :end_date
    AND (
      stopped_at IS NULL OR stopped_at >= started_at
    )
), metric_pauses AS (
  SELECT
    spans.case_id,
    rules.metric,
    CAST(NULL AS STRING) AS reopen,
    CAST(NULL AS BIGINT) AS cycle,
    spans.started_at AS paused_from,
    spans.ended_at AS paused_to,
    spans.event_id
  FROM staging.status_spans AS spans
  INNER JOIN staging.sla_metric_rules AS rules
    ON spans.status = rules.signal
  WHERE
    spans.intake_date >= :start_date
    AND spans.intake_date < :end_date
    AND rules.role = 'pause'
  UNION ALL
  SELECT
    case_id,
    metric,
    reopen,
    cycle,
    stopped_at AS paused_from,
    LEAD(started_at) OVER (PARTITION BY case_id, metric, cycle ORDER BY part NULLS LAST) AS paused_to,
    end_event_id AS event_id
  FROM staging.sla_cycles
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND reopen = 'resume'
), clock_pauses AS (
  SELECT
    runs.case_id,
    runs.policy,
    runs.metric,
    runs.cycle,
    runs.started_at,
    runs.stopped_at,
    'paused' AS state,
    CASE
      WHEN pauses.paused_from < runs.counted_from_at
      THEN runs.counted_from_at
      ELSE pauses.paused_from
    END AS paused_from,
    COALESCE(
      CASE
        WHEN pauses.paused_to > runs.stopped_at
        THEN runs.stopped_at
        ELSE pauses.paused_to
      END,
      runs.stopped_at,
      CAST('9999-12-31 00:00:00' AS TIMESTAMP_NTZ)
    ) AS paused_to,
    pauses.event_id
  FROM runs
  INNER JOIN metric_pauses AS pauses
    ON runs.case_id = pauses.case_id
    AND runs.metric = pauses.metric
    AND (
      pauses.reopen IS NULL
      OR (
        runs.reopen = pauses.reopen
        AND runs.cycle = pauses.cycle
        AND pauses.paused_to > pauses.paused_from
      )
    )
    AND (
      runs.stopped_at IS NULL OR pauses.paused_from < runs.stopped_at
    )
    AND (
      pauses.paused_to IS NULL OR pauses.paused_to > runs.counted_from_at
    )
  UNION ALL
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    started_at,
    stopped_at,
    'policy_switch' AS state,
    started_at AS paused_from,
    CASE WHEN counted_from_at > stopped_at THEN stopped_at ELSE counted_from_at END AS paused_to,
    start_event_id AS event_id
  FROM runs
  WHERE
    counted_from_at > started_at
), ordered_pauses AS (
  SELECT
    *,
    MAX(paused_to) OVER (
      PARTITION BY case_id, policy, metric, cycle
      ORDER BY paused_from NULLS LAST, paused_to NULLS LAST, event_id
      rows BETWEEN UNBOUNDED preceding AND 1 preceding
    ) AS paused_before_to,
    LAG(state) OVER (
      PARTITION BY case_id, policy, metric, cycle
      ORDER BY paused_from NULLS LAST, paused_to NULLS LAST, event_id
    ) AS state_before
  FROM clock_pauses
), islands AS (
  SELECT
    *,
    SUM(
      CASE WHEN paused_from <= paused_before_to AND state = state_before THEN 0 ELSE 1 END
    ) OVER (
      PARTITION BY case_id, policy, metric, cycle
      ORDER BY paused_from NULLS LAST, paused_to NULLS LAST, event_id
      rows BETWEEN UNBOUNDED preceding AND CURRENT ROW
    ) AS island
  FROM ordered_pauses
), pauses AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    island,
    state,
    MAX(started_at) AS clock_started_at,
    MAX(stopped_at) AS clock_stopped_at,
    MIN(paused_from) AS paused_from,
    MAX(paused_to) AS paused_to,
    MIN(event_id) AS event_id
  FROM islands
  GROUP BY
    case_id,
    policy,
    metric,
    cycle,
    island,
    state
), state_changes AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    clock_stopped_at,
    island,
    state,
    paused_from AS changed_at,
    event_id,
    2 AS change_order
  FROM pauses
  UNION ALL
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    clock_stopped_at,
    island,
    'running' AS state,
    paused_to AS changed_at,
    CAST(NULL AS STRING) AS event_id,
    1 AS change_order
  FROM pauses
  WHERE
    paused_to < CAST('9999-12-31 00:00:00' AS TIMESTAMP_NTZ)
  UNION ALL
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    clock_stopped_at,
    island,
    'running' AS state,
    clock_started_at AS changed_at,
    CAST(NULL AS STRING) AS event_id,
    0 AS change_order
  FROM pauses
  WHERE
    island = 1
), clock_segments AS (
  SELECT
    case_id,
    policy,
    metric,
    cycle,
    state,
    changed_at AS started_at,
    COALESCE(
      LEAD(changed_at) OVER (
        PARTITION BY case_id, policy, metric, cycle
        ORDER BY changed_at NULLS LAST, change_order NULLS LAST, island NULLS LAST
      ),
      clock_stopped_at
    ) AS stopped_at,
    event_id
  FROM state_changes
), state_spans AS (
  SELECT
    runs.source,
    runs.case_id,
    runs.intake_date,
    runs.policy,
    runs.metric,
    runs.cycle,
    runs.calendar,
    runs.is_calendar_changed AND runs.schedule_change = 'in_force' AS is_by_calendar_in_force,
    runs.is_source_promise,
    COALESCE(clock_segments.state, 'running') AS state,
    clock_segments.state IS NULL AS is_only_span,
    CASE
      WHEN clock_segments.state IS NULL
      THEN runs.started_at
      ELSE clock_segments.started_at
    END AS started_at,
    CASE
      WHEN clock_segments.state IS NULL
      THEN runs.stopped_at
      ELSE clock_segments.stopped_at
    END AS stopped_at,
    CASE
      WHEN clock_segments.event_id IS NULL AND clock_segments.started_at IS NULL
      THEN runs.start_event_id
      ELSE clock_segments.event_id
    END AS event_id
  FROM runs
  LEFT JOIN clock_segments
    ON runs.case_id = clock_segments.case_id
    AND runs.policy = clock_segments.policy
    AND runs.metric = clock_segments.metric
    AND runs.cycle = clock_segments.cycle
    AND (
      clock_segments.state <> 'running'
      OR clock_segments.stopped_at IS NULL
      OR clock_segments.started_at < clock_segments.stopped_at
    )
), calendar_spans AS (
  SELECT
    source,
    case_id,
    intake_date,
    policy,
    metric,
    cycle,
    calendar,
    state,
    is_only_span,
    started_at,
    stopped_at,
    event_id
  FROM state_spans
  WHERE
    NOT is_by_calendar_in_force
  UNION ALL
  SELECT
    spans.source,
    spans.case_id,
    spans.intake_date,
    spans.policy,
    spans.metric,
    spans.cycle,
    calendars.calendar,
    spans.state,
    FALSE AS is_only_span,
    CASE
      WHEN calendars.calendar_from_at > spans.started_at
      THEN calendars.calendar_from_at
      ELSE spans.started_at
    END AS started_at,
    CASE
      WHEN calendars.calendar_to_at < spans.stopped_at OR spans.stopped_at IS NULL
      THEN calendars.calendar_to_at
      ELSE spans.stopped_at
    END AS stopped_at,
    spans.event_id
  FROM state_spans AS spans
  INNER JOIN staging.case_sla_calendars AS calendars
    ON spans.case_id = calendars.case_id
    AND spans.metric = calendars.metric
    AND spans.is_source_promise = calendars.is_source_promise
  WHERE
    spans.is_by_calendar_in_force
    AND calendars.intake_date >= :start_date
    AND calendars.intake_date < :end_date
    AND (
      spans.stopped_at IS NULL OR calendars.calendar_from_at < spans.stopped_at
    )
    AND (
      calendars.calendar_to_at IS NULL OR calendars.calendar_to_at > spans.started_at
    )
), counted_spans AS (
  SELECT
    calendar_spans.*,
    CAST(UNIX_MICROS(CAST(calendar_spans.stopped_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(calendar_spans.started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS wall_seconds,
    start_time.open_seconds_before + CASE
      WHEN start_time.is_open
      THEN CAST(UNIX_MICROS(CAST(calendar_spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_start,
    start_time.holiday_seconds_before + CASE
      WHEN start_time.kind = 'holiday'
      THEN CAST(UNIX_MICROS(CAST(calendar_spans.started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(start_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS holiday_seconds_at_start,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(calendar_spans.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_stop,
    stop_time.holiday_seconds_before + CASE
      WHEN stop_time.kind = 'holiday'
      THEN CAST(UNIX_MICROS(CAST(calendar_spans.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS holiday_seconds_at_stop
  FROM calendar_spans
  LEFT JOIN staging.business_time AS start_time
    ON calendar_spans.calendar = start_time.calendar
    AND CAST(calendar_spans.started_at AS DATE) = start_time.utc_date
    AND calendar_spans.started_at >= start_time.segment_start_at
    AND calendar_spans.started_at < start_time.segment_end_at
  LEFT JOIN staging.business_time AS stop_time
    ON calendar_spans.calendar = stop_time.calendar
    AND CAST(calendar_spans.stopped_at AS DATE) = stop_time.utc_date
    AND calendar_spans.stopped_at >= stop_time.segment_start_at
    AND calendar_spans.stopped_at < stop_time.segment_end_at
), attributed_spans AS (
  SELECT
    *,
    open_seconds_at_stop - open_seconds_at_start AS open_seconds,
    holiday_seconds_at_stop - holiday_seconds_at_start AS holiday_seconds
  FROM counted_spans
)
SELECT
  source,
  case_id,
  intake_date,
  policy,
  metric,
  cycle,
  state,
  is_only_span,
  calendar,
  started_at,
  stopped_at,
  event_id,
  CAST(open_seconds_at_start AS BIGINT) AS open_seconds_at_start,
  CAST(open_seconds_at_stop AS BIGINT) AS open_seconds_at_stop,
  CAST(CASE
    WHEN state = 'running'
    THEN open_seconds
    WHEN NOT open_seconds IS NULL
    THEN 0
  END AS BIGINT) AS running_seconds,
  CAST(CASE WHEN state = 'paused' THEN open_seconds WHEN NOT open_seconds IS NULL THEN 0 END AS BIGINT) AS paused_seconds,
  CAST(CASE
    WHEN state <> 'policy_switch'
    THEN wall_seconds - open_seconds - holiday_seconds
    WHEN NOT open_seconds IS NULL
    THEN 0
  END AS BIGINT) AS closed_hours_seconds,
  CAST(CASE
    WHEN state <> 'policy_switch'
    THEN holiday_seconds
    WHEN NOT open_seconds IS NULL
    THEN 0
  END AS BIGINT) AS holiday_seconds,
  CAST(CASE
    WHEN state = 'policy_switch'
    THEN wall_seconds
    WHEN NOT open_seconds IS NULL
    THEN 0
  END AS BIGINT) AS policy_switch_seconds
FROM attributed_spans

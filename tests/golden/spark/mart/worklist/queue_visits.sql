-- The Spark SQL of sql/mart/worklist/queue_visits.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at,
    now_date,
    first_intake_date
  FROM mart.desk_now
), desk_time AS (
  SELECT
    utc_date,
    segment_start_at,
    segment_end_at,
    local_date,
    open_seconds_before,
    is_open
  FROM staging.business_time
  WHERE
    calendar = 'desk'
), numbered_days AS (
  SELECT
    days.local_date,
    MIN(days.segment_start_at) AS starts_at,
    MIN(days.open_seconds_before) AS open_seconds_before,
    SUM(
      CAST(UNIX_MICROS(CAST(days.segment_end_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(days.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ) AS open_seconds,
    ROW_NUMBER() OVER (ORDER BY days.local_date DESC) AS days_ago
  FROM desk_time AS days
  INNER JOIN now_instant
    ON days.local_date < now_instant.now_date
    AND days.local_date >= now_instant.now_date - INTERVAL '45' DAY
    AND days.local_date >= now_instant.first_intake_date
  WHERE
    days.is_open
  GROUP BY
    days.local_date
), windows AS (
  SELECT
    CAST(days_ago - 1 AS BIGINT) DIV CAST(5 AS BIGINT) + 1 AS window_number,
    MIN(starts_at) AS from_at,
    MIN(open_seconds_before) AS from_open_seconds,
    SUM(open_seconds) AS window_seconds
  FROM numbered_days
  WHERE
    days_ago <= 10
  GROUP BY
    CAST(days_ago - 1 AS BIGINT) DIV CAST(5 AS BIGINT) + 1
  HAVING
    COUNT(*) = 5
), first_window AS (
  SELECT
    MIN(from_at) AS from_at
  FROM windows
  HAVING
    COUNT(*) > 0
), last_window AS (
  SELECT
    from_at
  FROM windows
  WHERE
    window_number = 1
), busy_queues AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue
  FROM staging.backlog_spans AS spans
  INNER JOIN last_window
    ON spans.started_at > last_window.from_at
  INNER JOIN now_instant
    ON spans.started_at < now_instant.now_at
  WHERE
    spans.is_open AND NOT spans.is_queue_kept_at_start
  GROUP BY
    COALESCE(spans.team, 'none')
  HAVING
    COUNT(*) >= 400
), recent_spans AS (
  SELECT
    COALESCE(spans.team, 'none') AS queue,
    NOT busy_queues.queue IS NULL AS is_busy,
    spans.intake_date,
    spans.case_id,
    spans.priority,
    spans.started_at,
    CASE WHEN spans.ended_at <= now_instant.now_at THEN spans.ended_at END AS ended_at,
    spans.stint_started_at,
    COALESCE(spans.waits_for, 'us') = 'us' AS is_work,
    SUM(CASE WHEN spans.is_queue_kept_at_start THEN 0 ELSE 1 END) OVER (
      PARTITION BY spans.case_id
      ORDER BY spans.started_at NULLS LAST, spans.ended_at NULLS LAST
    ) AS visit_number
  FROM staging.backlog_spans AS spans
  CROSS JOIN last_window
  INNER JOIN first_window
    ON spans.ended_at IS NULL OR spans.ended_at > first_window.from_at
  INNER JOIN now_instant
    ON spans.started_at < now_instant.now_at
  LEFT JOIN busy_queues
    ON COALESCE(spans.team, 'none') = busy_queues.queue
  WHERE
    spans.is_open
    AND (
      busy_queues.queue IS NULL
      OR spans.ended_at IS NULL
      OR spans.ended_at > last_window.from_at
    )
), visits AS (
  SELECT
    windows.window_number,
    spans.queue,
    spans.intake_date,
    spans.case_id,
    spans.visit_number,
    MIN(
      CASE
        WHEN spans.started_at > windows.from_at
        THEN spans.started_at
        ELSE windows.from_at
      END
    ) AS came_at,
    MIN(spans.stint_started_at) AS stint_started_at,
    MAX(spans.priority) AS priority
  FROM recent_spans AS spans
  INNER JOIN windows
    ON (
      spans.ended_at IS NULL OR spans.ended_at > windows.from_at
    )
    AND (
      windows.window_number = 1 OR NOT spans.is_busy
    )
  WHERE
    spans.is_work
  GROUP BY
    windows.window_number,
    spans.queue,
    spans.intake_date,
    spans.case_id,
    spans.visit_number
), came_times AS (
  SELECT
    visits.*,
    windows.from_open_seconds,
    windows.window_seconds,
    came_time.open_seconds_before + CASE
      WHEN came_time.is_open
      THEN CAST(UNIX_MICROS(CAST(visits.came_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(came_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END - windows.from_open_seconds AS came_seconds,
    visits.came_at = windows.from_at AS is_there_at_start
  FROM visits
  INNER JOIN windows
    ON visits.window_number = windows.window_number
  INNER JOIN desk_time AS came_time
    ON CAST(visits.came_at AS DATE) = came_time.utc_date
    AND visits.came_at >= came_time.segment_start_at
    AND visits.came_at < came_time.segment_end_at
), window_visits AS (
  SELECT
    *
  FROM came_times
  WHERE
    is_there_at_start OR came_seconds < window_seconds
), recent_clocks AS (
  SELECT
    clocks.intake_date,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.started_at,
    clocks.stopped_at,
    clocks.target_seconds,
    clocks.due_at,
    clocks.outcome
  FROM staging.sla_clocks AS clocks
  INNER JOIN first_window
    ON clocks.stopped_at IS NULL OR clocks.stopped_at > first_window.from_at
  WHERE
    NOT clocks.is_superseded
), known_clocks AS (
  SELECT
    clocks.intake_date,
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    clocks.started_at,
    CASE WHEN running.case_id IS NULL THEN clocks.stopped_at END AS stopped_at,
    clocks.target_seconds,
    CASE WHEN running.case_id IS NULL THEN clocks.due_at ELSE running.due_at END AS due_at,
    CASE
      WHEN running.case_id IS NULL
      THEN clocks.outcome = 'breached'
      ELSE running.is_past_target
    END AS is_breached
  FROM recent_clocks AS clocks
  CROSS JOIN now_instant
  LEFT JOIN mart.clock_now AS running
    ON clocks.intake_date = running.intake_date
    AND clocks.case_id = running.case_id
    AND clocks.policy = running.policy
    AND clocks.metric = running.metric
    AND clocks.cycle = running.cycle
  WHERE
    NOT running.case_id IS NULL
    OR (
      clocks.outcome IN ('met', 'breached') AND clocks.stopped_at <= now_instant.now_at
    )
), ranked_clocks AS (
  SELECT
    visits.window_number,
    visits.queue,
    visits.intake_date,
    visits.case_id,
    visits.visit_number,
    clocks.policy,
    clocks.metric,
    clocks.target_seconds,
    clocks.due_at,
    clocks.stopped_at,
    clocks.is_breached,
    ROW_NUMBER() OVER (
      PARTITION BY visits.window_number, visits.intake_date, visits.case_id, visits.visit_number
      ORDER BY clocks.due_at <= visits.came_at NULLS LAST, clocks.due_at NULLS LAST, clocks.policy NULLS LAST, clocks.metric NULLS LAST, clocks.cycle NULLS LAST
    ) AS position_by_due
  FROM window_visits AS visits
  INNER JOIN known_clocks AS clocks
    ON visits.intake_date = clocks.intake_date
    AND visits.case_id = clocks.case_id
    AND clocks.started_at <= visits.came_at
    AND (
      clocks.stopped_at IS NULL OR clocks.stopped_at > visits.came_at
    )
  WHERE
    NOT clocks.due_at IS NULL
), deciding_clocks AS (
  SELECT
    clocks.*,
    due_time.open_seconds_before + CASE
      WHEN due_time.is_open
      THEN CAST(UNIX_MICROS(CAST(clocks.due_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(due_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS due_open_seconds,
    stop_time.open_seconds_before + CASE
      WHEN stop_time.is_open
      THEN CAST(UNIX_MICROS(CAST(clocks.stopped_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stop_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS stop_open_seconds
  FROM ranked_clocks AS clocks
  INNER JOIN desk_time AS due_time
    ON CAST(clocks.due_at AS DATE) = due_time.utc_date
    AND clocks.due_at >= due_time.segment_start_at
    AND clocks.due_at < due_time.segment_end_at
  LEFT JOIN desk_time AS stop_time
    ON CAST(clocks.stopped_at AS DATE) = stop_time.utc_date
    AND clocks.stopped_at >= stop_time.segment_start_at
    AND clocks.stopped_at < stop_time.segment_end_at
  WHERE
    clocks.position_by_due = 1
)
SELECT
  CAST(visits.window_number AS BIGINT) AS window_number,
  visits.queue,
  visits.intake_date,
  visits.case_id,
  CAST(visits.visit_number AS BIGINT) AS visit_number,
  visits.priority,
  CAST(visits.window_seconds AS BIGINT) AS window_business_seconds,
  visits.is_there_at_start,
  CAST(visits.stint_started_at AS TIMESTAMP_NTZ) AS stint_started_at,
  CAST(visits.came_seconds AS BIGINT) AS came_business_seconds,
  clocks.metric AS due_metric,
  clocks.target_seconds,
  CAST(clocks.due_open_seconds - visits.from_open_seconds AS BIGINT) AS due_business_seconds,
  CAST(clocks.stop_open_seconds - visits.from_open_seconds AS BIGINT) AS stopped_business_seconds,
  clocks.is_breached AS is_due_breached,
  objectives.objective_pct
FROM window_visits AS visits
LEFT JOIN deciding_clocks AS clocks
  ON visits.window_number = clocks.window_number
  AND visits.intake_date = clocks.intake_date
  AND visits.case_id = clocks.case_id
  AND visits.visit_number = clocks.visit_number
LEFT JOIN staging.sla_policies AS objectives
  ON clocks.policy = objectives.policy AND clocks.metric = objectives.metric

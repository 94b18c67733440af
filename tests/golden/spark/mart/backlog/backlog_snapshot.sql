-- The Spark SQL of sql/mart/backlog/backlog_snapshot.sql, written by `make docs`.
WITH instants AS (
  SELECT
    snapshot_date,
    snapshot_at,
    seen_before_at
  FROM mart.snapshot_instants
  WHERE
    snapshot_date >= :start_date AND snapshot_date < :end_date
), open_spans AS (
  SELECT
    instants.snapshot_date,
    instants.snapshot_at,
    spans.*
  FROM instants
  INNER JOIN staging.backlog_spans AS spans
    ON CAST(instants.seen_before_at AS DATE) = CAST(spans.started_at AS DATE)
    AND instants.seen_before_at > spans.started_at
    AND (
      spans.ended_at IS NULL OR spans.ended_at >= instants.seen_before_at
    )
  WHERE
    spans.is_open
    AND spans.started_at < CAST(:end_date AS TIMESTAMP_NTZ) + INTERVAL '2' DAY
    AND (
      spans.ended_at IS NULL
      OR spans.ended_at >= CAST(:start_date AS TIMESTAMP_NTZ) - INTERVAL '2' DAY
    )
  UNION ALL
  SELECT
    instants.snapshot_date,
    instants.snapshot_at,
    spans.*
  FROM instants
  INNER JOIN staging.backlog_spans AS spans
    ON CAST(instants.seen_before_at AS DATE) = CAST(spans.ended_at AS DATE)
    AND instants.seen_before_at <= spans.ended_at
  WHERE
    spans.is_open
    AND spans.started_at < CAST(:end_date AS TIMESTAMP_NTZ) + INTERVAL '2' DAY
    AND (
      spans.ended_at IS NULL
      OR spans.ended_at >= CAST(:start_date AS TIMESTAMP_NTZ) - INTERVAL '2' DAY
    )
    AND CAST(spans.started_at AS DATE) < CAST(spans.ended_at AS DATE)
  UNION ALL
  SELECT
    instants.snapshot_date,
    instants.snapshot_at,
    spans.*
  FROM instants
  INNER JOIN staging.backlog_spans AS spans
    ON CAST(instants.seen_before_at AS DATE) > CAST(spans.started_at AS DATE)
    AND (
      spans.ended_at IS NULL
      OR CAST(spans.ended_at AS DATE) > CAST(instants.seen_before_at AS DATE)
    )
  WHERE
    spans.is_open
    AND spans.started_at < CAST(:end_date AS TIMESTAMP_NTZ) + INTERVAL '2' DAY
    AND (
      spans.ended_at IS NULL
      OR spans.ended_at >= CAST(:start_date AS TIMESTAMP_NTZ) - INTERVAL '2' DAY
    )
    AND (
      spans.ended_at IS NULL
      OR CAST(spans.ended_at AS DATE) > CAST(spans.started_at AS DATE) + INTERVAL '1' DAY
    )
), desk_times AS (
  SELECT
    instants.snapshot_date,
    desk_time.open_seconds_before + CASE
      WHEN desk_time.is_open
      THEN CAST(UNIX_MICROS(CAST(instants.snapshot_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(desk_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds
  FROM instants
  INNER JOIN staging.business_time AS desk_time
    ON desk_time.calendar = 'desk'
    AND CAST(instants.snapshot_at AS DATE) = desk_time.utc_date
    AND instants.snapshot_at >= desk_time.segment_start_at
    AND instants.snapshot_at < desk_time.segment_end_at
), calendar_openings AS (
  SELECT
    instants.snapshot_date,
    segments.calendar,
    MIN(
      CASE
        WHEN segments.segment_start_at > instants.snapshot_at
        THEN segments.segment_start_at
        ELSE instants.snapshot_at
      END
    ) AS opens_at
  FROM instants
  INNER JOIN staging.business_time AS segments
    ON segments.utc_date >= CAST(instants.snapshot_at AS DATE)
    AND segments.utc_date <= CAST(instants.snapshot_at + INTERVAL '14' DAY AS DATE)
    AND segments.segment_end_at > instants.snapshot_at
  WHERE
    segments.is_open
  GROUP BY
    instants.snapshot_date,
    segments.calendar
), clocks_within_target AS (
  SELECT
    clocks.*,
    CASE
      WHEN clocks.due_at > clocks.snapshot_at
      THEN clocks.due_at
      WHEN NOT clocks.due_at IS NULL
      THEN calendar_openings.opens_at
    END AS kept_until_at,
    COALESCE(
      (
        clocks.due_at > clocks.snapshot_at
        AND clocks.due_at <= clocks.snapshot_at + INTERVAL '7200' SECOND
      )
      OR (
        clocks.due_at <= clocks.snapshot_at
        AND calendar_openings.opens_at < clocks.snapshot_at + INTERVAL '7200' SECOND
      ),
      FALSE
    ) AS is_due_in_2_hours
  FROM mart.clock_snapshot AS clocks
  LEFT JOIN calendar_openings
    ON clocks.snapshot_date = calendar_openings.snapshot_date
    AND clocks.calendar = calendar_openings.calendar
  WHERE
    clocks.snapshot_date >= :start_date
    AND clocks.snapshot_date < :end_date
    AND NOT clocks.is_past_target
), clocks AS (
  SELECT
    snapshot_date,
    case_id,
    policy,
    metric,
    due_at,
    remaining_seconds,
    is_past_target,
    debt_seconds,
    is_due_in_2_hours,
    ROW_NUMBER() OVER (
      PARTITION BY snapshot_date, case_id
      ORDER BY kept_until_at NULLS LAST, due_at NULLS LAST, remaining_seconds NULLS LAST, policy NULLS LAST, metric NULLS LAST, cycle NULLS LAST
    ) AS position_by_due
  FROM clocks_within_target
  UNION ALL
  SELECT
    snapshot_date,
    case_id,
    policy,
    metric,
    due_at,
    remaining_seconds,
    is_past_target,
    debt_seconds,
    FALSE AS is_due_in_2_hours,
    CAST(NULL AS BIGINT) AS position_by_due
  FROM mart.clock_snapshot
  WHERE
    snapshot_date >= :start_date
    AND snapshot_date < :end_date
    AND COALESCE(is_past_target, TRUE)
), case_clocks AS (
  SELECT
    snapshot_date,
    case_id,
    COUNT(*) AS open_clocks,
    COUNT(*) FILTER(WHERE
      is_past_target) AS breached_clocks,
    MIN(due_at) FILTER(WHERE
      is_past_target) AS breached_since_at,
    SUM(debt_seconds) AS debt_seconds,
    MAX(policy) FILTER(WHERE
      position_by_due = 1) AS next_policy,
    MAX(metric) FILTER(WHERE
      position_by_due = 1) AS next_metric,
    MAX(due_at) FILTER(WHERE
      position_by_due = 1) AS next_due_at,
    MAX(remaining_seconds) FILTER(WHERE
      position_by_due = 1) AS next_remaining_seconds,
    BOOL_OR(is_due_in_2_hours) AS is_due_in_2_hours
  FROM clocks
  GROUP BY
    snapshot_date,
    case_id
), cases AS (
  SELECT
    cases.intake_date,
    cases.case_id,
    cases.intake_ts,
    cases.case_type,
    cases.region,
    cases.brand,
    cases.channel,
    cases.customer,
    intake_time.open_seconds_before + CASE
      WHEN intake_time.is_open
      THEN CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(intake_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
      ELSE 0
    END AS open_seconds_at_intake
  FROM staging.case_milestones AS cases
  LEFT JOIN staging.business_time AS intake_time
    ON intake_time.calendar = 'desk'
    AND CAST(cases.intake_ts AS DATE) = intake_time.utc_date
    AND cases.intake_ts >= intake_time.segment_start_at
    AND cases.intake_ts < intake_time.segment_end_at
)
SELECT
  spans.snapshot_date,
  spans.snapshot_at,
  spans.source,
  spans.case_id,
  spans.intake_date,
  cases.intake_ts,
  CAST(CAST(CAST(UNIX_MICROS(CAST(spans.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS age_calendar_minutes,
  CAST(CAST(desk_times.open_seconds - cases.open_seconds_at_intake AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS age_business_minutes,
  spans.stint_started_at,
  CAST(CAST(CAST(UNIX_MICROS(CAST(spans.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(spans.stint_started_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS stint_calendar_minutes,
  CAST(CAST(desk_times.open_seconds - stint_time.open_seconds_before - CASE
    WHEN stint_time.is_open
    THEN CAST(UNIX_MICROS(CAST(spans.stint_started_at AS TIMESTAMP_LTZ)) - UNIX_MICROS(CAST(stint_time.segment_start_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT)
    ELSE 0
  END AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS stint_business_minutes,
  spans.status,
  spans.started_at AS status_since_at,
  CASE WHEN sources.is_status_told THEN spans.waits_for END AS waits_for,
  spans.team,
  spans.agent,
  spans.priority,
  spans.tier,
  cases.case_type,
  cases.region,
  cases.brand,
  cases.channel,
  cases.customer,
  CAST(COALESCE(case_clocks.open_clocks, 0) AS BIGINT) AS open_clocks,
  CAST(COALESCE(case_clocks.breached_clocks, 0) AS BIGINT) AS breached_clocks,
  case_clocks.breached_since_at,
  CAST(COALESCE(case_clocks.debt_seconds, 0) AS BIGINT) AS debt_seconds,
  case_clocks.next_policy,
  case_clocks.next_metric,
  case_clocks.next_due_at,
  CAST(CAST(case_clocks.next_remaining_seconds AS DOUBLE) / CAST(60.0 AS DOUBLE) AS DOUBLE) AS next_remaining_business_minutes,
  CASE
    WHEN CAST(UNIX_MICROS(CAST(spans.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) < 86400
    THEN 'under_1_day'
    WHEN CAST(UNIX_MICROS(CAST(spans.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) < 3 * 86400
    THEN '1_to_3_days'
    WHEN CAST(UNIX_MICROS(CAST(spans.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) < 7 * 86400
    THEN '3_to_7_days'
    WHEN CAST(UNIX_MICROS(CAST(spans.snapshot_at AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) - CAST(UNIX_MICROS(CAST(cases.intake_ts AS TIMESTAMP_LTZ)) AS BIGINT) DIV CAST(1000000 AS BIGINT) < 30 * 86400
    THEN '7_to_30_days'
    ELSE 'over_30_days'
  END AS age_band,
  COALESCE(case_clocks.is_due_in_2_hours, FALSE) AS is_due_in_2_hours
FROM open_spans AS spans
INNER JOIN cases
  ON spans.intake_date = cases.intake_date AND spans.case_id = cases.case_id
INNER JOIN mart.backlog_sources AS sources
  ON spans.source = sources.source
LEFT JOIN desk_times
  ON spans.snapshot_date = desk_times.snapshot_date
LEFT JOIN case_clocks
  ON spans.snapshot_date = case_clocks.snapshot_date
  AND spans.case_id = case_clocks.case_id
LEFT JOIN staging.business_time AS stint_time
  ON stint_time.calendar = 'desk'
  AND CAST(spans.stint_started_at AS DATE) = stint_time.utc_date
  AND spans.stint_started_at >= stint_time.segment_start_at
  AND spans.stint_started_at < stint_time.segment_end_at

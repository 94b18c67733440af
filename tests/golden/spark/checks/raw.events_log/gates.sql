-- The Spark SQL of sql/checks/raw.events_log/gates.sql, written by `make docs`.
WITH rates AS (
  SELECT
    COUNT(*) AS events,
    COUNT(is_duplicate) AS flagged_duplicate,
    COUNT(is_late_arriving) AS flagged_late,
    COUNT(is_tz_inconsistent) AS flagged_tz,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      event_ts IS NULL) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS pct_missing_event_ts,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      is_duplicate) AS DOUBLE) / CAST(NULLIF(COUNT(is_duplicate), 0) AS DOUBLE) AS pct_duplicate_flag,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      is_late_arriving) AS DOUBLE) / CAST(NULLIF(COUNT(is_late_arriving), 0) AS DOUBLE) AS pct_late_arriving,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      is_tz_inconsistent) AS DOUBLE) / CAST(NULLIF(COUNT(is_tz_inconsistent), 0) AS DOUBLE) AS pct_tz_inconsistent,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      ingestion_ts < event_ts) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS pct_ingestion_before_event
  FROM raw.events_log
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), repeated_events AS (
  SELECT
    SUM(copies - 1) AS extra_rows
  FROM (
    SELECT
      COUNT(*) AS copies
    FROM raw.events_log
    WHERE
      intake_date >= :start_date AND intake_date < :end_date AND NOT event_ts IS NULL
    GROUP BY
      case_id,
      status,
      event_ts
    HAVING
      COUNT(*) > 1
  ) AS groups_of_copies
), cases AS (
  SELECT
    case_id,
    MIN(event_ts) FILTER(WHERE
      status = 'TRIAGE') AS triage_ts,
    MIN(event_ts) FILTER(WHERE
      status = 'INTAKE') AS intake_ts,
    COUNT(*) FILTER(WHERE
      status = 'TRIAGE') > 0 AS has_triage,
    COUNT(*) FILTER(WHERE
      status = 'RESOLVED') > 0 AS has_resolved,
    COUNT(*) FILTER(WHERE
      status = 'CANCELLED') > 0 AS has_cancelled
  FROM raw.events_log
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    case_id
), case_rates AS (
  SELECT
    COUNT(*) AS cases,
    COUNT(*) FILTER(WHERE
      NOT triage_ts IS NULL AND NOT intake_ts IS NULL) AS triaged_cases,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      has_triage) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS pct_cases_with_triage,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      triage_ts < intake_ts) AS DOUBLE) / CAST(NULLIF(COUNT(*) FILTER(WHERE
      NOT triage_ts IS NULL AND NOT intake_ts IS NULL), 0) AS DOUBLE) AS pct_triage_before_intake,
    CAST(100.0 * COUNT(*) FILTER(WHERE
      has_resolved AND has_cancelled) AS DOUBLE) / CAST(NULLIF(COUNT(*), 0) AS DOUBLE) AS pct_cancelled_and_resolved
  FROM cases
)
SELECT
  rates.pct_missing_event_ts,
  rates.events AS pct_missing_event_ts_sample,
  rates.pct_duplicate_flag,
  rates.flagged_duplicate AS pct_duplicate_flag_sample,
  CAST(100.0 * COALESCE(repeated_events.extra_rows, 0) AS DOUBLE) / CAST(NULLIF(rates.events, 0) AS DOUBLE) AS pct_duplicate_extra_rows,
  rates.events AS pct_duplicate_extra_rows_sample,
  rates.pct_late_arriving,
  rates.flagged_late AS pct_late_arriving_sample,
  rates.pct_tz_inconsistent,
  rates.flagged_tz AS pct_tz_inconsistent_sample,
  rates.pct_ingestion_before_event,
  rates.events AS pct_ingestion_before_event_sample,
  case_rates.pct_cases_with_triage,
  case_rates.cases AS pct_cases_with_triage_sample,
  case_rates.pct_triage_before_intake,
  case_rates.triaged_cases AS pct_triage_before_intake_sample,
  case_rates.pct_cancelled_and_resolved,
  case_rates.cases AS pct_cancelled_and_resolved_sample,
  CAST(rates.events * 1.0 AS DOUBLE) / CAST(NULLIF(case_rates.cases, 0) AS DOUBLE) AS events_per_case,
  case_rates.cases AS events_per_case_sample
FROM rates
CROSS JOIN repeated_events
CROSS JOIN case_rates

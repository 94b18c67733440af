-- The Spark SQL of sql/staging/clocks/case_sla_calendars.sql, written by `make docs`.
WITH cases AS (
  SELECT
    source,
    case_id,
    intake_date,
    intake_ts
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), promises AS (
  SELECT
    case_id,
    metric,
    calendar,
    is_on_case_schedule,
    is_source_promise,
    in_force_from_at,
    in_force_to_at
  FROM staging.case_sla_policies
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
), schedule_changes AS (
  SELECT
    changes.case_id,
    changes.value,
    changes.previous_value,
    cases.intake_ts,
    CASE
      WHEN changes.changed_ts < cases.intake_ts
      THEN cases.intake_ts
      ELSE changes.changed_ts
    END AS changed_at,
    ROW_NUMBER() OVER (
      PARTITION BY changes.case_id
      ORDER BY changes.changed_ts NULLS LAST, changes.source_sequence NULLS LAST, changes.change_id NULLS LAST
    ) AS change_number
  FROM raw.attribute_changes AS changes
  INNER JOIN cases
    ON changes.case_id = cases.case_id
  WHERE
    changes.intake_date >= :start_date
    AND changes.intake_date < :end_date
    AND changes.attribute = 'schedule'
), changing_promises AS (
  SELECT
    case_id,
    metric,
    is_source_promise
  FROM promises
  WHERE
    NOT in_force_to_at IS NULL
  UNION
  SELECT
    promises.case_id,
    promises.metric,
    promises.is_source_promise
  FROM promises
  INNER JOIN schedule_changes
    ON promises.case_id = schedule_changes.case_id
  WHERE
    promises.is_on_case_schedule
), schedule_starts AS (
  SELECT
    case_id,
    previous_value AS calendar,
    intake_ts AS held_from_at,
    CAST(0 AS BIGINT) AS change_number
  FROM schedule_changes
  WHERE
    change_number = 1
  UNION ALL
  SELECT
    case_id,
    value AS calendar,
    changed_at AS held_from_at,
    change_number
  FROM schedule_changes
), schedules AS (
  SELECT
    case_id,
    calendar,
    held_from_at,
    LEAD(held_from_at) OVER (PARTITION BY case_id ORDER BY change_number NULLS LAST) AS held_to_at
  FROM schedule_starts
), promise_stretches AS (
  SELECT
    promises.case_id,
    promises.metric,
    promises.is_source_promise,
    promises.calendar,
    promises.is_on_case_schedule,
    CASE
      WHEN LAG(promises.in_force_from_at) OVER (
        PARTITION BY promises.case_id, promises.metric, promises.is_source_promise
        ORDER BY promises.in_force_from_at NULLS LAST
      ) IS NULL
      THEN cases.intake_ts
      ELSE promises.in_force_from_at
    END AS held_from_at,
    LEAD(promises.in_force_from_at) OVER (
      PARTITION BY promises.case_id, promises.metric, promises.is_source_promise
      ORDER BY promises.in_force_from_at NULLS LAST
    ) AS held_to_at
  FROM promises
  INNER JOIN changing_promises
    ON promises.case_id = changing_promises.case_id
    AND promises.metric = changing_promises.metric
    AND promises.is_source_promise = changing_promises.is_source_promise
  INNER JOIN cases
    ON promises.case_id = cases.case_id
), calendar_stretches AS (
  SELECT
    promise_stretches.case_id,
    promise_stretches.metric,
    promise_stretches.is_source_promise,
    promise_stretches.is_on_case_schedule,
    COALESCE(schedules.calendar, promise_stretches.calendar) AS calendar,
    CASE
      WHEN schedules.held_from_at > promise_stretches.held_from_at
      THEN schedules.held_from_at
      ELSE promise_stretches.held_from_at
    END AS held_from_at
  FROM promise_stretches
  LEFT JOIN schedules
    ON promise_stretches.is_on_case_schedule
    AND promise_stretches.case_id = schedules.case_id
    AND (
      schedules.held_to_at IS NULL
      OR schedules.held_to_at > promise_stretches.held_from_at
    )
    AND (
      promise_stretches.held_to_at IS NULL
      OR schedules.held_from_at < promise_stretches.held_to_at
    )
    AND (
      schedules.held_to_at IS NULL OR schedules.held_to_at > schedules.held_from_at
    )
), with_previous_calendar AS (
  SELECT
    *,
    LAG(calendar) OVER (PARTITION BY case_id, metric, is_source_promise ORDER BY held_from_at NULLS LAST) AS previous_calendar,
    BOOL_OR(is_on_case_schedule) OVER (PARTITION BY case_id, metric, is_source_promise) AS is_ever_on_case_schedule
  FROM calendar_stretches
), calendar_changes AS (
  SELECT
    *,
    COUNT(*) OVER (PARTITION BY case_id, metric, is_source_promise) AS calendars,
    LEAD(held_from_at) OVER (PARTITION BY case_id, metric, is_source_promise ORDER BY held_from_at NULLS LAST) AS held_to_at
  FROM with_previous_calendar
  WHERE
    previous_calendar IS NULL OR calendar <> previous_calendar
)
SELECT
  cases.source,
  calendar_changes.case_id,
  cases.intake_date,
  calendar_changes.metric,
  calendar_changes.is_source_promise,
  calendar_changes.calendar,
  calendar_changes.held_from_at AS calendar_from_at,
  calendar_changes.held_to_at AS calendar_to_at
FROM calendar_changes
INNER JOIN cases
  ON calendar_changes.case_id = cases.case_id
WHERE
  calendar_changes.calendars > 1 OR calendar_changes.is_ever_on_case_schedule

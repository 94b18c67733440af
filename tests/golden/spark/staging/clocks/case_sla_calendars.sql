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
), schedules AS (
  SELECT
    case_id,
    value AS calendar,
    valid_from_at,
    valid_to_at
  FROM staging.case_attributes
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND attribute = 'schedule'
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
  INNER JOIN schedules
    ON promises.case_id = schedules.case_id
  WHERE
    promises.is_on_case_schedule
), promise_validity AS (
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
    END AS valid_from_at,
    LEAD(promises.in_force_from_at) OVER (
      PARTITION BY promises.case_id, promises.metric, promises.is_source_promise
      ORDER BY promises.in_force_from_at NULLS LAST
    ) AS valid_to_at
  FROM promises
  INNER JOIN changing_promises
    ON promises.case_id = changing_promises.case_id
    AND promises.metric = changing_promises.metric
    AND promises.is_source_promise = changing_promises.is_source_promise
  INNER JOIN cases
    ON promises.case_id = cases.case_id
), calendar_validity AS (
  SELECT
    promise_validity.case_id,
    promise_validity.metric,
    promise_validity.is_source_promise,
    promise_validity.is_on_case_schedule,
    COALESCE(schedules.calendar, promise_validity.calendar) AS calendar,
    CASE
      WHEN schedules.valid_from_at > promise_validity.valid_from_at
      THEN schedules.valid_from_at
      ELSE promise_validity.valid_from_at
    END AS valid_from_at
  FROM promise_validity
  LEFT JOIN schedules
    ON promise_validity.is_on_case_schedule
    AND promise_validity.case_id = schedules.case_id
    AND (
      schedules.valid_to_at IS NULL
      OR schedules.valid_to_at > promise_validity.valid_from_at
    )
    AND (
      promise_validity.valid_to_at IS NULL
      OR schedules.valid_from_at < promise_validity.valid_to_at
    )
), calendars_with_previous AS (
  SELECT
    *,
    LAG(calendar) OVER (PARTITION BY case_id, metric, is_source_promise ORDER BY valid_from_at NULLS LAST) AS previous_calendar,
    BOOL_OR(is_on_case_schedule) OVER (PARTITION BY case_id, metric, is_source_promise) AS is_ever_on_case_schedule
  FROM calendar_validity
), calendar_changes AS (
  SELECT
    *,
    COUNT(*) OVER (PARTITION BY case_id, metric, is_source_promise) AS calendars,
    LEAD(valid_from_at) OVER (PARTITION BY case_id, metric, is_source_promise ORDER BY valid_from_at NULLS LAST) AS valid_to_at
  FROM calendars_with_previous
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
  calendar_changes.valid_from_at AS calendar_from_at,
  calendar_changes.valid_to_at AS calendar_to_at
FROM calendar_changes
INNER JOIN cases
  ON calendar_changes.case_id = cases.case_id
WHERE
  calendar_changes.calendars > 1 OR calendar_changes.is_ever_on_case_schedule

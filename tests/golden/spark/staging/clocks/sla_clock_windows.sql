-- The Spark SQL of sql/staging/clocks/sla_clock_windows.sql, written by `make docs`.
WITH cycles AS (
  SELECT
    *
  FROM staging.sla_cycles
  WHERE
    intake_date >= :start_date AND intake_date < :end_date AND is_last_part
), promises AS (
  SELECT
    promises.*,
    promises.in_force_to_at IS NULL AND promises.in_force_from_at = cases.intake_ts AS is_only
  FROM staging.case_sla_policies AS promises
  INNER JOIN staging.case_milestones AS cases
    ON promises.case_id = cases.case_id
  WHERE
    promises.intake_date >= :start_date
    AND promises.intake_date < :end_date
    AND cases.intake_date >= :start_date
    AND cases.intake_date < :end_date
), constant_clocks AS (
  SELECT
    cycles.source,
    cycles.case_id,
    cycles.intake_date,
    promises.policy,
    cycles.metric,
    cycles.reopen,
    cycles.cycle,
    promises.calendar,
    promises.target_seconds,
    promises.schedule_change,
    promises.is_on_case_schedule,
    promises.is_source_promise,
    cycles.cycle_started_at AS started_at,
    cycles.cycle_started_at AS counted_from_at,
    cycles.stopped_at,
    FALSE AS is_superseded,
    cycles.is_stopped_by_event,
    cycles.reason,
    cycles.start_event_id,
    cycles.end_event_id
  FROM cycles
  INNER JOIN promises
    ON cycles.case_id = promises.case_id
    AND cycles.metric = promises.metric
    AND cycles.reopen = promises.reopen
  WHERE
    promises.is_only
), overlapping_promises AS (
  SELECT
    cycles.source,
    cycles.case_id,
    cycles.intake_date,
    promises.policy,
    cycles.metric,
    cycles.reopen,
    cycles.cycle,
    promises.calendar,
    promises.target_seconds,
    promises.schedule_change,
    promises.is_on_case_schedule,
    promises.is_source_promise,
    promises.change,
    promises.in_force_from_at,
    promises.in_force_to_at,
    cycles.cycle_started_at,
    cycles.stopped_at,
    cycles.is_stopped_by_event,
    cycles.reason,
    cycles.start_event_id,
    cycles.end_event_id,
    promises.in_force_to_at IS NULL
    OR COALESCE(promises.in_force_to_at >= cycles.stopped_at, FALSE) AS is_in_force_at_end
  FROM cycles
  INNER JOIN promises
    ON cycles.case_id = promises.case_id
    AND cycles.metric = promises.metric
    AND cycles.reopen = promises.reopen
  WHERE
    NOT promises.is_only
    AND (
      promises.in_force_to_at IS NULL
      OR promises.in_force_to_at > cycles.cycle_started_at
    )
    AND (
      cycles.stopped_at IS NULL
      OR promises.in_force_from_at < cycles.stopped_at
      OR promises.in_force_from_at <= cycles.cycle_started_at
    )
), numbered_promises AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, metric, reopen, cycle, is_source_promise
      ORDER BY in_force_from_at DESC
    ) AS number_from_last,
    LAG(change) OVER (
      PARTITION BY case_id, metric, reopen, cycle, is_source_promise
      ORDER BY in_force_from_at DESC
    ) AS next_change
  FROM overlapping_promises
), judged_promises AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY case_id, metric, reopen, cycle, is_source_promise, policy
      ORDER BY in_force_from_at DESC
    ) AS number_from_last_of_policy
  FROM numbered_promises
  WHERE
    number_from_last = 1 OR next_change = 'restart'
), chosen_promises AS (
  SELECT
    *,
    is_source_promise AND NOT is_in_force_at_end AS is_withdrawn,
    number_from_last > 1 OR (
      NOT is_source_promise AND NOT is_in_force_at_end
    ) AS is_superseded,
    CASE
      WHEN change = 'restart' AND in_force_from_at > cycle_started_at
      THEN in_force_from_at
      ELSE cycle_started_at
    END AS counted_from_at
  FROM judged_promises
  WHERE
    number_from_last_of_policy = 1
), last_promised_parts AS (
  SELECT
    chosen_promises.case_id,
    chosen_promises.metric,
    chosen_promises.reopen,
    chosen_promises.cycle,
    parts.stopped_at,
    parts.is_stopped_by_event,
    parts.reason,
    parts.end_event_id,
    ROW_NUMBER() OVER (
      PARTITION BY chosen_promises.case_id, chosen_promises.metric, chosen_promises.reopen, chosen_promises.cycle
      ORDER BY parts.part DESC
    ) AS number_from_last
  FROM chosen_promises
  INNER JOIN staging.sla_cycles AS parts
    ON chosen_promises.case_id = parts.case_id
    AND chosen_promises.metric = parts.metric
    AND chosen_promises.reopen = parts.reopen
    AND chosen_promises.cycle = parts.cycle
  WHERE
    chosen_promises.is_withdrawn
    AND parts.intake_date >= :start_date
    AND parts.intake_date < :end_date
    AND parts.started_at < chosen_promises.in_force_to_at
), promises_with_ends AS (
  SELECT
    chosen_promises.*,
    NOT parts.case_id IS NULL AS is_stopped_before_withdrawal,
    parts.stopped_at AS part_stopped_at,
    parts.is_stopped_by_event AS is_part_stopped_by_event,
    parts.reason AS part_reason,
    parts.end_event_id AS part_end_event_id
  FROM chosen_promises
  LEFT JOIN last_promised_parts AS parts
    ON chosen_promises.is_withdrawn
    AND chosen_promises.case_id = parts.case_id
    AND chosen_promises.metric = parts.metric
    AND chosen_promises.reopen = parts.reopen
    AND chosen_promises.cycle = parts.cycle
    AND parts.number_from_last = 1
    AND parts.stopped_at <= chosen_promises.in_force_to_at
), clocks AS (
  SELECT
    *
  FROM constant_clocks
  UNION ALL
  SELECT
    source,
    case_id,
    intake_date,
    policy,
    metric,
    reopen,
    cycle,
    calendar,
    target_seconds,
    schedule_change,
    is_on_case_schedule,
    is_source_promise,
    cycle_started_at AS started_at,
    counted_from_at,
    CASE
      WHEN is_stopped_before_withdrawal
      THEN part_stopped_at
      WHEN is_superseded OR is_withdrawn
      THEN in_force_to_at
      ELSE stopped_at
    END AS stopped_at,
    is_superseded,
    CASE
      WHEN is_stopped_before_withdrawal
      THEN is_part_stopped_by_event
      WHEN is_superseded OR is_withdrawn
      THEN FALSE
      ELSE is_stopped_by_event
    END AS is_stopped_by_event,
    CASE
      WHEN is_stopped_before_withdrawal
      THEN part_reason
      WHEN is_withdrawn
      THEN 'withdrawn'
      WHEN is_superseded
      THEN 'policy_changed'
      ELSE reason
    END AS reason,
    start_event_id,
    CASE
      WHEN is_stopped_before_withdrawal
      THEN part_end_event_id
      WHEN NOT is_superseded AND NOT is_withdrawn
      THEN end_event_id
    END AS end_event_id
  FROM promises_with_ends
), clock_calendars AS (
  SELECT
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle,
    MAX_BY(calendars.calendar, calendars.calendar_from_at) FILTER(WHERE
      NOT calendars.calendar IS NULL) AS last_calendar,
    COUNT(*) FILTER(WHERE
      (
        calendars.calendar_to_at IS NULL
        OR calendars.calendar_to_at > clocks.counted_from_at
      )
      AND (
        clocks.stopped_at IS NULL OR calendars.calendar_from_at < clocks.stopped_at
      )) > 1 AS is_calendar_changed
  FROM clocks
  INNER JOIN staging.case_sla_calendars AS calendars
    ON clocks.case_id = calendars.case_id
    AND clocks.metric = calendars.metric
    AND clocks.is_source_promise = calendars.is_source_promise
  WHERE
    calendars.intake_date >= :start_date
    AND calendars.intake_date < :end_date
    AND (
      clocks.stopped_at IS NULL
      OR calendars.calendar_from_at < clocks.stopped_at
      OR calendars.calendar_from_at <= clocks.started_at
    )
  GROUP BY
    clocks.case_id,
    clocks.policy,
    clocks.metric,
    clocks.cycle
)
SELECT
  clocks.source,
  clocks.case_id,
  clocks.intake_date,
  clocks.policy,
  clocks.metric,
  clocks.reopen,
  clocks.cycle,
  CASE
    WHEN clocks.is_on_case_schedule
    THEN COALESCE(clock_calendars.last_calendar, clocks.calendar)
    ELSE clocks.calendar
  END AS calendar,
  clocks.target_seconds,
  clocks.schedule_change,
  COALESCE(clock_calendars.is_calendar_changed, FALSE) AS is_calendar_changed,
  clocks.is_source_promise,
  clocks.started_at,
  clocks.counted_from_at,
  clocks.stopped_at,
  clocks.is_superseded,
  clocks.is_stopped_by_event,
  clocks.reason,
  clocks.start_event_id,
  clocks.end_event_id
FROM clocks
LEFT JOIN clock_calendars
  ON clocks.case_id = clock_calendars.case_id
  AND clocks.policy = clock_calendars.policy
  AND clocks.metric = clock_calendars.metric
  AND clocks.cycle = clock_calendars.cycle

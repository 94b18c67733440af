-- The Spark SQL of sql/mart/worklist/next_best_followed.sql, written by `make docs`.
WITH now_instant AS (
  SELECT
    now_at
  FROM mart.desk_now
), known_instants AS (
  SELECT DISTINCT
    shown.shown_at
  FROM ops.next_best_shown AS shown
  INNER JOIN now_instant
    ON shown.shown_at <= now_instant.now_at
  WHERE
    shown.is_of_the_present
), numbered_instants AS (
  SELECT
    shown_at,
    LEAD(shown_at) OVER (ORDER BY shown_at NULLS LAST) AS next_shown_at
  FROM known_instants
), shown_instants AS (
  SELECT
    numbered_instants.shown_at,
    COALESCE(numbered_instants.next_shown_at, now_instant.now_at) AS shown_until_at
  FROM numbered_instants
  INNER JOIN now_instant
    ON numbered_instants.shown_at < now_instant.now_at
    AND numbered_instants.shown_at >= now_instant.now_at - INTERVAL '30' DAY
), first_instants AS (
  SELECT
    MIN(shown_at) AS first_shown_at
  FROM shown_instants
), shown_tickets AS (
  SELECT
    shown.shown_at,
    shown.queue,
    shown.case_id,
    shown.position_in_queue,
    shown.picking_policy,
    COUNT(*) OVER (PARTITION BY shown.shown_at, shown.queue) AS shown_count
  FROM ops.next_best_shown AS shown
  INNER JOIN shown_instants
    ON shown.shown_at = shown_instants.shown_at
  WHERE
    shown.position_in_queue <= 10
), late_spans AS (
  SELECT
    spans.intake_date,
    spans.case_id,
    spans.team,
    spans.started_at,
    spans.ended_at,
    spans.ended_with
  FROM staging.backlog_spans AS spans
  INNER JOIN first_instants
    ON spans.ended_at IS NULL OR spans.ended_at > first_instants.first_shown_at
  WHERE
    spans.is_open AND (
      spans.waits_for = 'us' OR spans.waits_for IS NULL
    )
), workable_spans AS (
  SELECT
    shown_instants.shown_at,
    shown_instants.shown_until_at,
    late_spans.intake_date,
    late_spans.case_id,
    COALESCE(late_spans.team, 'none') AS queue,
    CASE
      WHEN late_spans.ended_with IN ('changed', 'ended')
      THEN late_spans.ended_at
    END AS changed_at
  FROM shown_instants
  INNER JOIN late_spans
    ON shown_instants.shown_at >= late_spans.started_at
    AND (
      late_spans.ended_at IS NULL OR late_spans.ended_at > shown_instants.shown_at
    )
), first_replies AS (
  SELECT
    workable_spans.shown_at,
    workable_spans.case_id,
    MIN(messages.sent_ts) AS replied_at
  FROM workable_spans
  INNER JOIN staging.messages_deduped AS messages
    ON workable_spans.intake_date = messages.intake_date
    AND workable_spans.case_id = messages.case_id
    AND workable_spans.shown_at < messages.sent_ts
  WHERE
    messages.signal = 'PUBLIC_REPLY'
  GROUP BY
    workable_spans.shown_at,
    workable_spans.case_id
), worked_cases AS (
  SELECT
    workable_spans.shown_at,
    workable_spans.shown_until_at,
    workable_spans.intake_date,
    workable_spans.queue,
    workable_spans.case_id,
    CASE
      WHEN first_replies.replied_at IS NULL
      OR first_replies.replied_at > workable_spans.changed_at
      THEN workable_spans.changed_at
      ELSE first_replies.replied_at
    END AS worked_at
  FROM workable_spans
  LEFT JOIN first_replies
    ON workable_spans.shown_at = first_replies.shown_at
    AND workable_spans.case_id = first_replies.case_id
), numbered_work AS (
  SELECT
    shown_at,
    queue,
    case_id,
    worked_at,
    ROW_NUMBER() OVER (PARTITION BY shown_at, queue ORDER BY worked_at NULLS LAST, case_id NULLS LAST) AS position_worked,
    COUNT(*) OVER (PARTITION BY shown_at, queue) AS worked_count
  FROM worked_cases
  WHERE
    worked_at <= shown_until_at
), worked_counts AS (
  SELECT DISTINCT
    shown_at,
    queue,
    worked_count
  FROM numbered_work
), shown_counts AS (
  SELECT DISTINCT
    shown_at,
    queue,
    shown_count
  FROM shown_tickets
), compared_tickets AS (
  SELECT
    worked_cases.shown_at,
    worked_cases.shown_until_at,
    worked_cases.intake_date,
    worked_cases.queue,
    worked_cases.case_id,
    shown_tickets.position_in_queue,
    shown_tickets.picking_policy,
    numbered_work.worked_at,
    numbered_work.position_worked,
    COALESCE(
      shown_tickets.position_in_queue <= LEAST(shown_tickets.shown_count, worked_counts.worked_count),
      FALSE
    ) AS is_shown,
    COALESCE(
      numbered_work.position_worked <= LEAST(shown_counts.shown_count, worked_counts.worked_count),
      FALSE
    ) AS is_worked
  FROM worked_cases
  INNER JOIN shown_counts
    ON worked_cases.shown_at = shown_counts.shown_at
    AND worked_cases.queue = shown_counts.queue
  INNER JOIN worked_counts
    ON worked_cases.shown_at = worked_counts.shown_at
    AND worked_cases.queue = worked_counts.queue
  LEFT JOIN shown_tickets
    ON worked_cases.shown_at = shown_tickets.shown_at
    AND worked_cases.case_id = shown_tickets.case_id
  LEFT JOIN numbered_work
    ON worked_cases.shown_at = numbered_work.shown_at
    AND worked_cases.case_id = numbered_work.case_id
), clock_outcomes AS (
  SELECT
    compared_tickets.shown_at,
    compared_tickets.case_id,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'breached'
      OR (
        clocks.outcome = 'running' AND clocks.due_at < now_instant.now_at
      )) AS breached_clocks,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'running') AS running_clocks,
    COUNT(*) FILTER(WHERE
      clocks.outcome = 'unknown') AS unknown_clocks
  FROM compared_tickets
  INNER JOIN now_instant
    ON compared_tickets.is_shown OR compared_tickets.is_worked
  INNER JOIN staging.sla_clocks AS clocks
    ON compared_tickets.intake_date = clocks.intake_date
    AND compared_tickets.case_id = clocks.case_id
    AND compared_tickets.shown_at >= clocks.started_at
    AND (
      clocks.stopped_at IS NULL OR compared_tickets.shown_at < clocks.stopped_at
    )
    AND (
      clocks.due_at IS NULL OR compared_tickets.shown_at < clocks.due_at
    )
  WHERE
    NOT clocks.is_superseded
  GROUP BY
    compared_tickets.shown_at,
    compared_tickets.case_id
)
SELECT
  CAST(tickets.shown_at AS TIMESTAMP_NTZ) AS shown_at,
  CAST(tickets.shown_until_at AS TIMESTAMP_NTZ) AS shown_until_at,
  tickets.queue,
  tickets.case_id,
  CAST(tickets.position_in_queue AS BIGINT) AS position_in_queue,
  tickets.picking_policy,
  CAST(tickets.worked_at AS TIMESTAMP_NTZ) AS worked_at,
  CAST(tickets.position_worked AS BIGINT) AS position_worked,
  CASE
    WHEN tickets.is_shown AND tickets.is_worked
    THEN 'followed'
    WHEN tickets.is_shown
    THEN 'passed over'
    ELSE 'worked on instead'
  END AS followed,
  CASE WHEN tickets.is_shown THEN tickets.is_worked END AS is_followed,
  CASE
    WHEN outcomes.case_id IS NULL
    THEN 'nothing to keep'
    WHEN outcomes.breached_clocks > 0
    THEN 'breached'
    WHEN outcomes.running_clocks > 0
    THEN 'running'
    WHEN outcomes.unknown_clocks > 0
    THEN 'unknown'
    ELSE 'met'
  END AS outcome_by_now
FROM compared_tickets AS tickets
LEFT JOIN clock_outcomes AS outcomes
  ON tickets.shown_at = outcomes.shown_at AND tickets.case_id = outcomes.case_id
WHERE
  tickets.is_shown OR tickets.is_worked

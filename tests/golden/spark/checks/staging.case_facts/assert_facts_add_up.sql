-- The Spark SQL of sql/checks/staging.case_facts/assert_facts_add_up.sql, written by `make docs`.
WITH fact_counts AS (
  SELECT
    intake_date,
    COUNT(*) AS cases,
    COALESCE(
      SUM(
        public_reply_count + bot_reply_count + customer_message_count + private_note_count
      ),
      0
    ) AS messages,
    COUNT(*) FILTER(WHERE
      first_resolution_calendar_minutes > full_resolution_calendar_minutes
      OR first_resolution_business_minutes > full_resolution_business_minutes
      OR on_hold_calendar_minutes > requester_wait_calendar_minutes
      OR on_hold_business_minutes > requester_wait_business_minutes
      OR requester_wait_business_minutes > requester_wait_calendar_minutes
      OR first_reply_business_minutes > first_reply_calendar_minutes) AS contradictory_cases
  FROM staging.case_facts
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), milestones AS (
  SELECT
    intake_date,
    COUNT(*) AS cases
  FROM staging.case_milestones
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
), messages AS (
  SELECT
    intake_date,
    COUNT(*) AS messages
  FROM staging.messages_deduped
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
  GROUP BY
    intake_date
)
SELECT
  milestones.intake_date,
  milestones.cases,
  fact_counts.cases AS counted_cases,
  COALESCE(messages.messages, 0) AS messages,
  fact_counts.messages AS counted_messages,
  fact_counts.contradictory_cases
FROM milestones
LEFT JOIN fact_counts
  ON milestones.intake_date = fact_counts.intake_date
LEFT JOIN messages
  ON milestones.intake_date = messages.intake_date
WHERE
  fact_counts.cases IS DISTINCT FROM milestones.cases
  OR fact_counts.messages IS DISTINCT FROM COALESCE(messages.messages, 0)
  OR fact_counts.contradictory_cases > 0

-- The Spark SQL of sql/checks/raw.events_log/assert_event_ids_are_unique_in_the_warehouse.sql, written by `make docs`.
WITH fresh_partitions AS (
  SELECT
    event_id,
    source,
    case_id,
    intake_date
  FROM raw.events_log
  WHERE
    intake_date >= :start_date AND intake_date < :end_date
)
SELECT
  fresh_partitions.event_id,
  fresh_partitions.source,
  fresh_partitions.case_id,
  held.source AS other_source,
  held.case_id AS other_case_id,
  held.intake_date AS other_intake_date
FROM raw.events_log AS held
INNER JOIN fresh_partitions
  ON held.event_id = fresh_partitions.event_id
WHERE
  held.source <> fresh_partitions.source

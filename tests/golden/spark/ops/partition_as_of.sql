-- The Spark SQL of sql/ops/partition_as_of.sql, written by `make docs`.
SELECT
  partitions.source,
  partitions.intake_date,
  CASE
    WHEN looks.as_of_at > partitions.as_of_at
    AND (
      partitions.previous_look_at IS NULL
      OR looks.as_of_at > partitions.previous_look_at
    )
    THEN looks.as_of_at
    ELSE partitions.as_of_at
  END AS as_of_at
FROM ops.refreshed_partitions AS partitions
LEFT JOIN ops.source_watermarks AS looks
  ON partitions.source = looks.source

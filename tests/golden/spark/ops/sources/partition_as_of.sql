-- The Spark SQL of sql/ops/sources/partition_as_of.sql, written by `make docs`.
SELECT
  partitions.source,
  partitions.intake_date,
  CASE
    WHEN watermarks.as_of_at > partitions.as_of_at
    AND (
      partitions.previous_watermark_at IS NULL
      OR watermarks.as_of_at > partitions.previous_watermark_at
    )
    THEN watermarks.as_of_at
    ELSE partitions.as_of_at
  END AS as_of_at
FROM raw.source_partitions AS partitions
LEFT JOIN ops.source_watermarks AS watermarks
  ON partitions.source = watermarks.source

"""Cases from log files: any CSV or parquet file with one row an update, described in sources.yml.

Belongs here: nothing but the way in. Read `source`, then `snapshot`, `canonical`, `mapping`, `csv_records`, `files`.
"""

from opsla_dagster.sources.event_log.canonical import SourceCounts
from opsla_dagster.sources.event_log.source import EventLogSource

__all__ = ["EventLogSource", "SourceCounts"]

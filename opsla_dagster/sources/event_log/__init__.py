"""Cases from log files: files of any usual form with one row an update, described in sources.yml.

Belongs here: nothing but the way in. Read `source`, then `snapshot`, `canonical`, `mapping`, `files`, `reading`.
"""

from opsla_dagster.sources.event_log.canonical import SourceCounts
from opsla_dagster.sources.event_log.source import EventLogSource

__all__ = ["EventLogSource", "SourceCounts"]

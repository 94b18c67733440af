"""Tables of the ops layer: what opsla knows of its own runs.

Belongs here: book-keeping that later runs rely on. Does not belong here: anything about cases.
"""

from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import table

OPS = [
    table(
        "ops.refreshed_partitions", Kind.PARTITIONED, "One row per source and intake date refreshed to the end.",
        "Written last in a run: what each intake date was refreshed from, and as of when. The next refresh compares it with "
        "the sources.",
        key="source intake_date",
        columns="source intake_date fingerprint as_of_at cases events digest is_whole_refresh",
    ),
]

"""The area `operations`. What opsla knows of its own runs.

Belongs here: its tables, and the columns that no other area has. Does not belong here: how they are computed (sql/*/operations/).
"""

from opsla_dagster.catalog.area import Area
from opsla_dagster.catalog.model import Kind
from opsla_dagster.catalog.table import tables_with

table = tables_with([])

AREA = Area(
    "operations",
    "What opsla knows of its own runs.",
    [
        table(
            "ops.refreshed_partitions", Kind.PARTITIONED, "One row per source and intake date refreshed to the end.",
            "Written last in a run: what each intake date was refreshed from, and as of when. The next refresh compares it with "
            "the sources.",
            key="source intake_date",
            columns="source intake_date fingerprint as_of_at cases events digest",
        ),
    ],
)

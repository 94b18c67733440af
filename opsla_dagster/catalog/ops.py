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
        columns="source intake_date fingerprint as_of_at cases events digest refresh previous_look_at",
    ),
    table(
        "ops.schema_drift", Kind.SNAPSHOT, "One row per field of a ticket system's records that is not as it is known.",
        "New, missing and retyped fields and unknown words, and since when; the load goes on without them.",
        key="source resource field drift expected_type found_type",
        columns="source resource field drift expected_type found_type first_seen_at",
    ),
    table(
        "ops.source_watermarks", Kind.FULL_REFRESH, "One row per source all of whose loaded dates were looked at.",
        "As of when the latest refresh looked at every loaded date of the source; runs of chosen dates look at those alone.",
        key="source",
        columns="source as_of_at",
    ),
    table(
        "ops.partition_as_of", Kind.VIEW, "One row per source and intake date refreshed to the end.",
        "As of when the rows of the date are what the source says: its load, or a refresh since that found it unchanged.",
        key="source intake_date",
        columns="source intake_date as_of_at",
    ),
]

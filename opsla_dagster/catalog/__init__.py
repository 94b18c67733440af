"""The dictionary: every column once, every table once; Pandera schemas, Dagster metadata and docs derive from it.

Belongs here: grain, key, columns, rules. Does not belong here: how a table is computed (sql/) or when (assets/).
"""

from opsla_dagster.catalog.mart import MART
from opsla_dagster.catalog.model import Column, Kind, Rule, Table, pandera_schema
from opsla_dagster.catalog.ops import OPS
from opsla_dagster.catalog.raw import RAW
from opsla_dagster.catalog.staging import STAGING

TABLES = {table.name: table for table in (*RAW, *STAGING, *MART, *OPS)}

__all__ = ["TABLES", "Column", "Kind", "Rule", "Table", "pandera_schema"]

"""sla_policies.yml as the tables that the clocks are made from.

Belongs here: writing all of them at once, for what makes clocks outside of a run: another set of promises on the same cases, a test. Does not
belong here: their rows (settings/sla_policies.py, sql/staging/clocks/sla_signal_roles.sql), and a run, where each is an asset.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from opsla_dagster.catalog import TABLES
from opsla_dagster.settings.calendars import Calendar
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings, rule_tables
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_whole

_SIGNAL_ROLES = "staging.sla_signal_roles"


def replace_promises(connection: duckdb.DuckDBPyConnection, policies: SlaPoliciesSettings, calendars: Mapping[str, Calendar]) -> None:
    """Writes every table that says what is measured and promised. Raises OpslaError for a target that its calendar cannot count."""
    for name, rows in rule_tables(policies, calendars).items():
        replace_whole(connection, TABLES[name], rows)
    replace_signal_roles(connection)


def replace_signal_roles(connection: duckdb.DuckDBPyConnection) -> None:
    """What each signal does to each metric, from the rules that the warehouse holds."""
    replace_whole(connection, TABLES[_SIGNAL_ROLES], load_sql(sql_path(_SIGNAL_ROLES)))

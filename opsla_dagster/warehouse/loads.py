"""Of which load, and by which rules, each intake date of a partitioned table was made: so that tables of different loads are never added up.

Tables can be materialised alone. `ops.made_dates` remembers, for each partitioned table and intake date, the state of the sources at its load and
the rules that made it: written with the rows, handed on from table to table. Belongs here: writing, comparing and refusing. Does not belong here:
tables kept by the desk's dates (changed_dates.py), and which dates a refresh makes (automation/refresh.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache

import duckdb

from opsla_dagster.catalog import TABLES, Kind, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.warehouse.bookkeeping import MADE_DATES
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION
from opsla_dagster.warehouse.sql import in_dates, load_sql, parsed, sql_path
from opsla_dagster.window import Dates

_LOADS = "raw.source_partitions"
_MIXED = "mixed"
#: Follow from the calendars alone: they are of no load.
_OF_NO_LOAD = frozenset({"raw.calendar_dim", "staging.business_minutes_dim"})
#: What the sources held, and as of when: a date of raw.source_partitions is the load that everything else of the date is made of.
_STATES = """
    select intake_date as made_date, md5(string_agg(source || ' ' || fingerprint || ' ' || digest || ' ' || as_of_at, ';' order by source)) as load
    from raw.source_partitions
    where {inside}
    group by intake_date
"""


@cache
def rules_of(name: str) -> str:
    """Identity of the SQL that makes a table: its own, that of every table it reads, and the schema version."""
    texts = sorted(_sql_below(name).items())
    return hashlib.sha256(f"{SCHEMA_VERSION} {texts}".encode()).hexdigest()[:16]


def record_loads(connection: duckdb.DuckDBPyConnection, table: Table, dates: Dates, inputs: Iterable[str], settings: str) -> None:
    """Within the transaction that made the rows of `dates`: of which load they are, as the partitioned tables they were made from are.

    `settings` is the identity of the calendars and promises that made them.
    """
    parameters: dict[str, object] = {"name": table.name, "rules": f"{settings} {rules_of(table.name)}"}
    inside = in_dates("made_date", dates)
    connection.execute(f"delete from {MADE_DATES} where table_name = $name and {inside}", {"name": table.name})
    read = sorted(set(partitioned(inputs)) - {table.name})
    if read and table.schema == "raw":
        # Its rows come from the sources as they were announced last, not from the tables that it waits for.
        read = sorted({*read, _LOADS})
    if table.name == _LOADS:
        loads = _STATES.format(inside=in_dates("intake_date", dates))
    elif read:
        loads = (
            f"select made_date, case when count(distinct split_part(digest, ' ', 1)) = 1 and count(*) = $tables then min(split_part(digest, ' ', 1)) else '{_MIXED}' end as load "
            f"from {MADE_DATES} where {inside} and list_contains($read, table_name) group by made_date"
        )
        parameters |= {"read": read, "tables": len(read)}
    else:
        return
    connection.execute(parsed(connection, f"insert into {MADE_DATES} select $name, made_date, load || ' ' || $rules from ({loads})"), parameters)


def refuse_other_loads(connection: duckdb.DuckDBPyConnection, dates: Dates, tables: Iterable[str], settings: str) -> None:
    """Raises OpslaError unless every one of `tables` (partitioned) was made, on all `dates`, of what raw.source_partitions says was loaded, by today's rules."""
    expected = {name: f"{settings} {rules_of(name)}" for name in partitioned(tables)}
    found = connection.execute(
        f"""
        with expected as (select unnest($names) as table_name, unnest($rules) as rules)
        select expected.table_name, min(loads.made_date), count(*)
        from expected
        cross join ({_STATES.format(inside=in_dates("intake_date", dates))}) as loads
        left join {MADE_DATES} as made on expected.table_name = made.table_name and loads.made_date = made.made_date
        where made.digest is distinct from loads.load || ' ' || expected.rules
        group by expected.table_name
        order by expected.table_name
        """,
        {"names": list(expected), "rules": list(expected.values())},
    ).fetchall()
    if found:
        name, first, days = found[0]
        others = f" (and {counted(len(found) - 1, 'more table')})" if len(found) > 1 else ""
        raise OpslaError(
            f"{name}{others} was not made of what is loaded now, or not by today's rules, on {counted(days, 'intake date')} from {first} on; materialise all "
            f"assets of these dates together, or `opsla run --start {first}`"
        )


def refuse_mixed_loads(connection: duckdb.DuckDBPyConnection, name: str, inputs: Iterable[str]) -> None:
    """Raises OpslaError where the partitioned tables among `inputs`, from which `name` is made, are of different loads on an intake date, or by other SQL than today's."""
    read = sorted(set(partitioned(inputs)))
    found = connection.execute(
        f"""
        with made as (
            select made_date, split_part(digest, ' ', 1) as load, split_part(digest, ' ', 2) as settings, split_part(digest, ' ', 3) as rules, table_name
            from {MADE_DATES}
            where list_contains($read, table_name)
        ),
        current as (select unnest($read) as table_name, unnest($rules) as rules)
        select made.made_date
        from made
        inner join current on made.table_name = current.table_name
        group by made.made_date
        having count(*) <> $tables or count(distinct (made.load, made.settings)) > 1 or max(made.load) = '{_MIXED}' or bool_or(made.rules <> current.rules)
        order by made.made_date
        """,
        {"read": read, "rules": [rules_of(table) for table in read], "tables": len(read)},
    ).fetchall()
    if found:
        raise OpslaError(
            f"{name}: {', '.join(read)} are of different loads, or were made by other SQL than today's, on {counted(len(found), 'intake date')} from {found[0][0]} on; "
            f"materialise all assets of these dates together, or `opsla run --start {found[0][0]}` (`opsla refresh` does so where the SQL has changed)"
        )


def partitioned(names: Iterable[str]) -> set[str]:
    """The partitioned tables among `names` that are made of a load, and those that the views among them read."""
    found: set[str] = set()
    for name in names:
        kind = TABLES[name].kind if name in TABLES else None
        if name in _OF_NO_LOAD:
            continue
        if kind is Kind.PARTITIONED:
            found.add(name)
        elif kind is Kind.VIEW:
            found |= partitioned(tables_read_by(sql_path(name)))
    return found


def _sql_below(name: str) -> dict[str, str]:
    """The text that makes each table from `name` down, where SQL makes it."""
    texts: dict[str, str] = {}
    waiting = [name]
    while waiting:
        table = waiting.pop()
        if table in texts or table not in TABLES:
            continue
        path = sql_path(table)
        if path.exists():
            texts[table] = load_sql(path)
            waiting += tables_read_by(path)
    return texts

"""Which SQL the files of sql/ may be written in, so that Spark SQL gives the same rows; and that Spark SQL, generated.

DuckDB runs the files as they are. For a distributed engine sqlglot translates them, and sqlglot translates more than it
translates right: so the language is a closed list of its node classes with their arguments, and everything outside the list is
refused by file, line and words (docs/decisions/0033-portable-sql.md). The generated text stands under tests/golden/spark: `make
docs` writes it, `make check` refuses what is not portable or not current.

Belongs here: the list, what to write instead, and the translation. Does not belong here: an engine that runs it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import sqlglot
from sqlglot import ErrorLevel, exp

from opsla_dagster.catalog import TABLES
from opsla_dagster.errors import OpslaError
from opsla_dagster.shipped import SQL

REPOSITORY = SQL.parent
SPARK_DIRECTORY = REPOSITORY / "tests" / "golden" / "spark"
_WORDS_SHOWN = 100


@dataclass(frozen=True)
class Offence:
    """Words of a SQL file that are not portable: `line` counts from 1."""

    line: int
    words: str
    instead: str


@dataclass(frozen=True)
class Allowed:
    """The arguments of a node class. Nodes in them are judged by themselves.

    `nodes` may hold any nodes of the list, `only` nodes of some classes, `words` words. Others must be empty.
    """

    nodes: tuple[str, ...] = ()
    only: dict[str, tuple[type[exp.Expr], ...]] = field(default_factory=dict)
    words: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: Names and values: any text.
    texts: tuple[str, ...] = ()


_ONE = Allowed(nodes=("this",))
_TWO = Allowed(nodes=("this", "expression"))
_LISTED = Allowed(nodes=("this", "expressions"))
_SPECIFIED_WINDOW: dict[str, tuple[str, ...]] = {
    "kind": ("ROWS", "RANGE"), "start": ("UNBOUNDED", "CURRENT ROW"), "start_side": ("PRECEDING", "FOLLOWING"),
    "end": ("UNBOUNDED", "CURRENT ROW"), "end_side": ("PRECEDING", "FOLLOWING"),
}
_WINDOW_FUNCTIONS = (
    exp.RowNumber, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.IgnoreNulls, exp.Sum, exp.Count, exp.Min, exp.Max, exp.LogicalOr,
)
#: sqlglot calls the timestamp without a zone TIMESTAMPNTZ.
_TYPES = ("BIGINT", "BOOLEAN", "DATE", "DECIMAL", "DOUBLE", "TEXT", "TIMESTAMPNTZ")

#: What SQL files are written in, and with which arguments. Who adds to it shows in tests/unit/test_portability.py what is still
#: refused, and reads in 0033 how equal rows are shown.
LANGUAGE: dict[type[exp.Expr], Allowed] = {
    # a query
    exp.With: Allowed(only={"expressions": (exp.CTE,)}),
    exp.CTE: Allowed(only={"this": (exp.Select, exp.Union), "alias": (exp.TableAlias,)}),
    exp.Select: Allowed(nodes=("with_", "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "distinct", "windows")),
    exp.Union: Allowed(nodes=("this", "expression", "with_", "distinct"), words={"distinct": ("TRUE",)}),
    exp.Distinct: Allowed(nodes=("expressions",)),
    exp.From: Allowed(only={"this": (exp.Table, exp.Subquery)}),
    exp.Join: Allowed(
        nodes=("on",), only={"this": (exp.Table, exp.Subquery)},
        words={"kind": ("INNER", "CROSS", "OUTER"), "side": ("LEFT", "FULL")},
    ),
    exp.Table: Allowed(only={"this": (exp.Identifier,), "db": (exp.Identifier,), "alias": (exp.TableAlias,)}),
    exp.TableAlias: Allowed(only={"this": (exp.Identifier,)}),
    exp.Subquery: Allowed(only={"this": (exp.Select,), "alias": (exp.TableAlias,)}),
    exp.Where: _ONE,
    exp.Having: _ONE,
    exp.Group: Allowed(nodes=("expressions",), only={"grouping_sets": (exp.GroupingSets,)}),
    exp.GroupingSets: Allowed(only={"expressions": (exp.Tuple, exp.Paren, exp.Column)}),
    exp.Tuple: Allowed(only={"expressions": (exp.Column, exp.Literal)}),
    exp.Grouping: Allowed(only={"expressions": (exp.Column,)}),
    exp.Order: _LISTED,
    exp.Ordered: Allowed(nodes=("this",), words={"desc": ("TRUE",), "nulls_first": ("TRUE",)}),
    exp.Limit: Allowed(only={"expression": (exp.Literal,)}),
    # names and values
    exp.Alias: Allowed(nodes=("this",), only={"alias": (exp.Identifier,)}),
    exp.Identifier: Allowed(texts=("this",)),
    exp.Column: Allowed(only={"this": (exp.Identifier, exp.Star), "table": (exp.Identifier,)}),
    exp.Star: Allowed(),
    exp.Literal: Allowed(texts=("this",), words={"is_string": ("TRUE",)}),
    exp.Boolean: Allowed(texts=("this",)),
    exp.Null: Allowed(),
    exp.Placeholder: Allowed(texts=("this",)),
    exp.Paren: _ONE,
    exp.Cast: Allowed(nodes=("this",), only={"to": (exp.DataType,)}),
    exp.DataType: Allowed(words={"this": _TYPES}, only={"expressions": (exp.DataTypeParam,)}),
    exp.DataTypeParam: Allowed(only={"this": (exp.Literal,)}),
    # conditions
    exp.And: _TWO,
    exp.Or: _TWO,
    exp.Not: _ONE,
    exp.EQ: _TWO,
    exp.NEQ: _TWO,
    exp.GT: _TWO,
    exp.GTE: _TWO,
    exp.LT: _TWO,
    exp.LTE: _TWO,
    exp.NullSafeEQ: _TWO,
    exp.NullSafeNEQ: _TWO,
    exp.Is: Allowed(nodes=("this",), only={"expression": (exp.Null, exp.Boolean)}),
    exp.In: _LISTED,
    exp.Exists: Allowed(only={"this": (exp.Select,)}),
    exp.StartsWith: Allowed(nodes=("this",), only={"expression": (exp.Literal,)}),
    # arithmetic and text
    exp.Add: _TWO,
    exp.Sub: _TWO,
    exp.Mul: _TWO,
    exp.Div: _TWO,
    exp.IntDiv: _TWO,
    exp.Neg: _ONE,
    exp.Abs: _ONE,
    exp.Round: _ONE,
    exp.DPipe: Allowed(nodes=("this", "expression"), words={"safe": ("TRUE",)}),
    exp.StrPosition: Allowed(nodes=("this", "substr")),
    exp.Substring: Allowed(nodes=("this",), only={"start": (exp.Literal,)}),
    exp.Interval: Allowed(only={"this": (exp.Literal,), "unit": (exp.Var,)}),
    exp.Var: Allowed(words={"this": ("DAY", "SECOND", "MONTH")}),
    exp.DateDiff: Allowed(nodes=("this", "expression"), only={"unit": (exp.Var,)}, words={"date_part_boundary": ("TRUE",)}),
    exp.TimestampTrunc: Allowed(nodes=("this",), only={"unit": (exp.Var,)}),
    # choices
    exp.Case: Allowed(nodes=("this", "default"), only={"ifs": (exp.If,)}),
    exp.If: Allowed(nodes=("this", "true")),
    exp.Coalesce: _LISTED,
    exp.Nullif: _TWO,
    exp.Least: Allowed(nodes=("this", "expressions"), words={"ignore_nulls": ("TRUE",)}),
    exp.Greatest: Allowed(nodes=("this", "expressions"), words={"ignore_nulls": ("TRUE",)}),
    # over several rows
    exp.Count: Allowed(nodes=("this",), words={"big_int": ("TRUE",)}),
    exp.Sum: _ONE,
    exp.Avg: _ONE,
    exp.Min: _ONE,
    exp.Max: _ONE,
    exp.ArgMin: _TWO,
    exp.ArgMax: _TWO,
    exp.LogicalOr: _ONE,
    exp.LogicalAnd: _ONE,
    # One quantile, or one of several that are computed together: `quantile_cont(x, [0.5, 0.9])[1]`.
    exp.PercentileCont: Allowed(nodes=("this",), only={"expression": (exp.Literal, exp.Array)}),
    exp.Array: Allowed(only={"expressions": (exp.Literal,)}),
    exp.Bracket: Allowed(only={"this": (exp.PercentileCont,), "expressions": (exp.Literal,)}),
    exp.GroupConcat: Allowed(only={"this": (exp.Order,), "separator": (exp.Literal,)}),
    exp.Filter: Allowed(nodes=("this",), only={"expression": (exp.Where,)}),
    # Also a window by its name, and what the name stands for: `lag(x) over steps ... window steps as (...)`.
    exp.Window: Allowed(
        nodes=("partition_by",),
        only={"this": (*_WINDOW_FUNCTIONS, exp.Identifier), "alias": (exp.Identifier,), "order": (exp.Order,), "spec": (exp.WindowSpec,)},
        words={"over": ("OVER",)},
    ),
    exp.WindowSpec: Allowed(words=_SPECIFIED_WINDOW, only={"start": (exp.Literal,), "end": (exp.Literal,)}),
    exp.RowNumber: Allowed(),
    exp.DenseRank: Allowed(),
    exp.Lag: _ONE,
    exp.Lead: _ONE,
    exp.FirstValue: _ONE,
    exp.LastValue: _ONE,
    exp.IgnoreNulls: Allowed(only={"this": (exp.LastValue, exp.FirstValue, exp.Lag)}),
}
#: Where alone some of them may stand, and what to write instead elsewhere.
PARENTS: dict[type[exp.Expr], tuple[tuple[type[exp.Expr], ...], str]] = {
    exp.Order: ((exp.Select, exp.Window, exp.GroupConcat), "min_by or max_by: aggregates other than string_agg have no order"),
    exp.Star: ((exp.Select, exp.Column, exp.Count), "the columns by name"),
    exp.Distinct: ((exp.Select, exp.Count), "a CTE with `select distinct` before it"),
    exp.Subquery: ((exp.From, exp.Join), "a CTE and a join: a SELECT in place of a value is planned otherwise, and fails on two rows in one engine only"),
    exp.Interval: ((exp.Add, exp.Sub, exp.Mul), "seconds, as a whole number"),
    exp.Tuple: ((exp.GroupingSets,), "each column by itself"),
    exp.Array: ((exp.PercentileCont,), "columns and rows: list functions differ between engines"),
}
#: Functions that sqlglot does not know and this module translates.
FUNCTIONS = {"epoch_us": 1}

_NOT_LISTED = "what other files of sql/ are written in, or add it to the list of opsla_dagster/warehouse/portability.py with its counter-examples"
#: What to write instead of what people reach for. Of a class, or of an argument of a class.
INSTEAD: dict[type[exp.Expr] | tuple[type[exp.Expr], str], str] = {
    exp.Anonymous: "a function of the list, or columns and rows",
    exp.Explode: "columns and rows: list functions differ between engines",
    exp.Unnest: "raw.calendar_dim or staging.business_time",
    exp.GenerateSeries: "raw.calendar_dim or staging.business_time",
    exp.Values: "a select of each row, with union all",
    exp.TryCast: "cast(... as ...), and reject what cannot be read when it is loaded",
    exp.Extract: "a column of raw.calendar_dim: weekdays and weeks are numbered otherwise",
    exp.DayOfWeek: "the weekday of raw.calendar_dim",
    exp.DayOfWeekIso: "the weekday of raw.calendar_dim",
    exp.DateAdd: "x + interval 1 day",
    exp.ILike: "equal words, or starts_with: letters without case differ between engines",
    exp.Like: "starts_with or strpos: a backslash is an escape in Spark only",
    exp.RegexpLike: "starts_with or strpos: regular expressions differ between engines",
    exp.Qualify: "a CTE with the row_number, and `where` after it",
    exp.Rank: "dense_rank() or row_number()",
    exp.Median: "quantile_cont(x, 0.5)",
    exp.Quantile: "quantile_cont(x, q)",
    exp.PercentileDisc: "quantile_cont(x, q)",
    exp.ApproxQuantile: "quantile_cont(x, q): exact",
    exp.ApproxDistinct: "count(distinct x): exact",
    exp.Mod: "x - x // n * n: the sign of % differs for negative numbers",
    exp.Pow: "multiplications",
    exp.AnyValue: "min(x): which row any_value takes differs",
    exp.First: "min_by(x, order) filter (where x is not null)",
    exp.Last: "max_by(x, order) filter (where x is not null)",
    exp.Rand: "nothing: another row each time",
    exp.CurrentTimestamp: "a parameter: time is one",
    exp.CurrentDate: "a parameter: time is one",
    exp.Between: "half-open bounds, x >= a and x < b",
    exp.Lateral: "a join of a CTE",
    exp.Pivot: "max(x) filter (where ...) for each column",
    exp.Intersect: "exists or a join",
    exp.Except: "a left join, and `is null`",
    exp.Unicode: "the text itself",
    (exp.Star, "replace"): "the columns by name: `replace` is silently lost or another thing elsewhere",
    (exp.Star, "except_"): "the columns by name",
    (exp.Star, "rename"): "the columns by name",
    (exp.Column, "db"): "an alias of the table, and alias.column: with the schema before it a column is a field elsewhere",
    (exp.Table, "catalog"): "schema.table",
    exp.TableSample: "all rows",
    (exp.Table, "this"): "raw.calendar_dim or staging.business_time for days: functions that make rows differ",
    (exp.TableAlias, "columns"): "names in the SELECT",
    (exp.Join, "using"): "on a.x = b.x: which of the two x is meant differs in a full join",
    (exp.Join, "method"): "on ...: `asof` and `natural` are DuckDB's; a half-open join on utc_date and the segment",
    (exp.Join, "kind"): "inner, left, full outer or cross join; for semi and anti `exists`, or a left join and `is null`",
    (exp.Join, "side"): "a left join the other way round",
    (exp.In, "query"): "exists or a join: `not in` with a null finds nothing",
    (exp.Distinct, "on"): "row_number() in a CTE, and `where` after it",
    (exp.With, "recursive"): "a fixed number of steps",
    (exp.Group, "all"): "the columns by name",
    exp.Cube: "grouping sets",
    exp.Rollup: "grouping sets",
    (exp.Union, "by_name"): "the columns in the same order",
    (exp.Count, "this"): "count(distinct x) of one column, and not over a window",
    (exp.Grouping, "expressions"): "grouping(x) of one column",
    (exp.PercentileCont, "expression"): "numbers: quantile_cont(x, 0.5), or of several the first: quantile_cont(x, [0.5, 0.9])[1]",
    (exp.Bracket, "this"): "columns and rows: a list begins with 1 in DuckDB and with 0 in Spark",
    (exp.Window, "this"): "sum(case when ... end) over (...): Spark has no filter and no other function over a window",
    (exp.DenseRank, "expressions"): "dense_rank(), which orders by its window",
    (exp.Lag, "offset"): "lag(x) of a CTE that has lag(x): only the row before is in the list",
    (exp.Interval, "this"): "n * interval 1 second",
    (exp.Var, "this"): "interval n day or n second; months by raw.calendar_dim, weeks begin on different weekdays",
    (exp.DataType, "this"): "bigint, boolean, date, decimal(p, s), double, timestamp or varchar",
}


def sql_files() -> list[Path]:
    """Every SQL file of the repository's sql/: tables, checks, dashboards."""
    return sorted(SQL.rglob("*.sql"))


def spark_path(path: Path) -> Path:
    """Where the Spark SQL of a SQL file stands: the same path under tests/golden/spark."""
    return SPARK_DIRECTORY / path.relative_to(SQL)


def to_spark(sql: str, place: str) -> str:
    """The Spark SQL that gives the rows of a SELECT written for DuckDB.

    TIMESTAMP is TIMESTAMP_NTZ there, the session's zone UTC, ANSI mode on, parameters `:start_date`. Raises OpslaError, a line for
    each place, where the SELECT is not portable; `place` says which file is meant.
    """
    found = offences(sql)
    if found:
        raise OpslaError("\n".join(f"{place}:{each.line}: `{each.words}` is not portable to Spark SQL: write {each.instead}" for each in found))
    tree = _parsed(sql).copy()
    for node in list(tree.walk(bfs=False))[::-1]:
        same = _in_spark(node)
        if same is not node:
            tree = same if node is tree else (node.replace(same) and tree)
    return tree.sql("spark", pretty=True, comments=False, unsupported_level=ErrorLevel.RAISE)


def _in_spark(node: exp.Expr) -> exp.Expr:
    """The node with the same value in Spark, where sqlglot's own translation has another one."""
    if isinstance(node, exp.Anonymous):
        # By its full name: a session may read TIMESTAMP as TIMESTAMP_NTZ, which unix_micros does not take.
        instant = exp.Cast(this=node.expressions[0].copy(), to=exp.DataType(this=exp.DType.TIMESTAMPLTZ))
        return exp.Anonymous(this="UNIX_MICROS", expressions=[instant])
    if isinstance(node, exp.PercentileCont):
        return exp.Anonymous(this="PERCENTILE", expressions=[node.this.copy(), node.expression.copy()])
    if isinstance(node, exp.Bracket):
        return exp.Bracket(this=node.this.copy(), expressions=[exp.Literal.number(int(node.expressions[0].name) - 1)])
    if isinstance(node, exp.Div):
        # Spark divides decimals with fewer digits; DuckDB always divides doubles.
        return exp.Div(this=_cast(node.this, "DOUBLE"), expression=_cast(node.expression, "DOUBLE"))
    if isinstance(node, exp.IntDiv):
        return exp.IntDiv(this=_cast(node.this, "BIGINT"), expression=_cast(node.expression, "BIGINT"))
    return node


def _cast(node: exp.Expr, to: str) -> exp.Expr:
    return exp.Cast(this=node.unnest().copy(), to=exp.DataType.build(to))


def offences(sql: str) -> list[Offence]:
    """What of a SELECT written for DuckDB is not in the language, in the order of its lines."""
    found = {
        Offence(_line(node, sql), _words(node), instead)
        for node in _parsed(sql).walk(prune=_is_refused_by_itself)
        for instead in (*_outside_the_list(node), *_other_value(node))
    }
    return sorted(found, key=lambda each: (each.line, each.words))


@cache
def _parsed(sql: str) -> exp.Expr:
    try:
        found = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise OpslaError(f"sqlglot cannot read this SQL, so nothing can be said of it: {error}") from error
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        raise OpslaError("one SELECT a file is expected")
    return found[0]


def _outside_the_list(node: exp.Expr) -> Iterator[str]:
    kind = type(node)
    if kind is exp.Anonymous:
        if FUNCTIONS.get(node.name.lower()) != len(node.expressions):
            yield INSTEAD[exp.Anonymous]
        return
    if kind not in LANGUAGE:
        yield INSTEAD.get(kind, _NOT_LISTED)
        return
    parents, instead = PARENTS.get(kind, ((), ""))
    if parents and not isinstance(node.parent, parents):
        yield instead
    for name, value in node.args.items():
        if value is None or value is False or value == []:
            continue
        if not _is_allowed(LANGUAGE[kind], name, value) and not _is_refused_by_itself(value):
            yield INSTEAD.get((kind, name), f"it without `{name.strip('_')}`: only {kind.__name__} with {_names(LANGUAGE[kind])} is in the list")


def _is_allowed(allowed: Allowed, name: str, value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(
        (name in allowed.nodes and isinstance(each, exp.Expr))
        or (name in allowed.only and isinstance(each, allowed.only[name]))
        or (name in allowed.words and _word(each) in allowed.words[name])
        or (name in allowed.texts and not isinstance(each, exp.Expr))
        for each in values
    )


def _is_refused_by_itself(value: object) -> bool:
    """One message a construct: what is in no list at all is said where it stands, and not again of what is in it or around it."""
    return isinstance(value, exp.Expr) and not isinstance(value, exp.Anonymous) and type(value) not in LANGUAGE


def _word(value: object) -> str:
    return str(value.value if isinstance(value, exp.DType) else value).upper()


def _names(allowed: Allowed) -> str:
    return ", ".join(dict.fromkeys((*allowed.nodes, *allowed.only, *allowed.words, *allowed.texts))).replace("_,", ",") or "nothing"


def _other_value(node: exp.Expr) -> Iterator[str]:
    """What both engines understand, and understand differently: it depends on what a value is."""
    if isinstance(node, exp.Cast) and node.to.is_type("BIGINT") and "fraction" in _kinds(node.this):
        yield "cast(round(...) as bigint), or divide whole numbers with //: DuckDB rounds, Spark truncates"
    if isinstance(node, exp.Cast) and node.to.is_type("TEXT") and _kinds(node.this) & {"fraction", "instant"}:
        yield "the number or the instant itself: engines write them differently"
    if isinstance(node, exp.IntDiv) and "fraction" in (_kinds(node.this) | _kinds(node.expression)):
        yield "whole numbers on both sides of //"
    if isinstance(node, exp.Sub) and _kinds(node.this) == {"date"} == _kinds(node.expression):
        yield "date_diff('day', earlier, later): a date less a date is a number in DuckDB only"
    if isinstance(node, exp.DateDiff) and (_name_of_unit(node) != "DAY" or "instant" in (_kinds(node.this) | _kinds(node.expression))):
        yield "date_diff('day', ...) of dates; of instants (epoch_us(later) - epoch_us(earlier)) // 1000000"
    if isinstance(node, exp.Interval) and _name_of_unit(node) == "MONTH":
        yield INSTEAD[exp.Var, "this"]
    if isinstance(node, exp.TimestampTrunc) and not (isinstance(node.parent, exp.Cast) and node.parent.to.is_type("DATE") and _name_of_unit(node) != "SECOND"):
        yield "cast(date_trunc('month', ...) as date): alone it has a time zone in Spark"
    if isinstance(node, exp.Avg) and "decimal" in _kinds(node.this):
        yield "sum(...) / nullif(count(...), 0): the mean of decimals is a decimal in Spark"
    if isinstance(node, (exp.ArgMin, exp.ArgMax)) and not _leaves_out_nulls(node):
        yield f"filter (where {node.this.sql('duckdb')} is not null) after it: DuckDB leaves rows without a value out, Spark does not"
    if isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct) and (
        len(node.this.expressions) != 1 or isinstance(node.this.expressions[0], exp.Tuple) or isinstance(node.parent, exp.Window)
    ):
        yield INSTEAD[exp.Count, "this"]
    if isinstance(node, exp.Literal) and node.is_string and "\\" in node.this:
        yield "text without a backslash: it is an escape in Spark"
    if isinstance(node, exp.PercentileCont) and isinstance(node.expression, exp.Array) and not _is_one_of_several(node):
        yield INSTEAD[exp.PercentileCont, "expression"]
    if isinstance(node, exp.Grouping) and len(node.expressions) != 1:
        yield INSTEAD[exp.Grouping, "expressions"]


def _is_one_of_several(quantiles: exp.PercentileCont) -> bool:
    """Whether exactly one number is taken out of several quantiles, by a position that there is (Spark fails on another, DuckDB says NULL)."""
    chosen = quantiles.parent
    if not isinstance(chosen, exp.Bracket) or len(chosen.expressions) != 1:
        return False
    position = chosen.expressions[0].name
    return position.isdigit() and 1 <= int(position) <= len(quantiles.expression.expressions)


def _name_of_unit(node: exp.Expr) -> str:
    unit = node.args.get("unit")
    return "" if unit is None else unit.name.upper()


def _leaves_out_nulls(node: exp.Expr) -> bool:
    """Whether min_by or max_by has the filter that makes it the same everywhere."""
    if not isinstance(node.parent, exp.Filter):
        return False
    conditions = node.parent.expression.this.flatten() if isinstance(node.parent.expression.this, exp.And) else [node.parent.expression.this]
    wanted = exp.Not(this=exp.Is(this=node.this.copy(), expression=exp.Null()))
    return any(condition.unnest() == wanted for condition in conditions)


#: What values of a type are, as far as engines differ.
_KIND_OF_TYPE = {"DOUBLE": {"fraction"}, "DATE": {"date"}, "TIMESTAMP": {"instant"}}
_WITHOUT_KIND = (exp.IntDiv, exp.Count, exp.Grouping, exp.Round, exp.RowNumber, exp.DenseRank, exp.Anonymous, exp.DateDiff, exp.StrPosition, exp.Predicate, exp.Connector)


def _kinds(node: exp.Expr, seen: frozenset[str] = frozenset()) -> set[str]:
    """What the values of a node may be: fraction, decimal (a fraction too), date, instant; empty for all else.

    By names: one name means the same in the same unit wherever it stands, in the catalog and in a file's CTEs.
    """
    if isinstance(node, exp.Column):
        return _kinds_of_name(node, seen)
    if isinstance(node, exp.Cast):
        return _kinds_of_type(node.to.sql("duckdb"))
    if isinstance(node, exp.Literal):
        return {"fraction", "decimal"} if not node.is_string and "." in node.this else set()
    if isinstance(node, (exp.Div, exp.Avg, exp.PercentileCont)):
        return {"fraction"}
    if isinstance(node, _WITHOUT_KIND):
        return set()
    if isinstance(node, exp.Case):
        values = [each.args["true"] for each in node.args["ifs"]] + [each for each in [node.args.get("default")] if each is not None]
        return set().union(*(_kinds(value, seen) for value in values))
    if isinstance(node, (exp.Filter, exp.Window, exp.ArgMin, exp.ArgMax, exp.Nullif)):
        return _kinds(node.this, seen)
    children = [child for child in node.iter_expressions() if isinstance(child, exp.Expr)]
    return set().union(*(_kinds(child, seen) for child in children)) if children else set()


def _kinds_of_name(column: exp.Column, seen: frozenset[str]) -> set[str]:
    name = column.name
    if name in seen:
        return set()
    root = column.root()
    made = [alias.this for alias in root.find_all(exp.Alias) if alias.alias == name]
    if made:
        return set().union(*(_kinds(each, seen | {name}) for each in made))
    return set().union(*(_kinds_of_type(kind) for kind in _types_of_columns().get(name, ())))


def _kinds_of_type(name: str) -> set[str]:
    return {"fraction", "decimal"} if name.startswith("DECIMAL") else _KIND_OF_TYPE.get(name, set())


@cache
def _types_of_columns() -> dict[str, set[str]]:
    """The types that the catalog's columns of a name have."""
    types: dict[str, set[str]] = {}
    for table in TABLES.values():
        for column in table.columns:
            types.setdefault(column.name, set()).add(column.type)
    return types


def _words(node: exp.Expr) -> str:
    words = " ".join(node.sql("duckdb", comments=False).split())
    return words if len(words) <= _WORDS_SHOWN else words[:_WORDS_SHOWN] + " ..."


def _line(node: exp.Expr, sql: str) -> int:
    """The line of the node's first word whose place is known, or of the nearest node around it. sqlglot's own count of lines is off after comments."""
    while True:
        starts = [found.meta["start"] for found in node.walk() if "start" in found.meta]
        if starts:
            return sql.count("\n", 0, min(starts)) + 1
        if node.parent is None:
            return 1
        node = node.parent


def spark_text(path: Path) -> str:
    """The content of the file at `spark_path(path)`. Raises OpslaError where the SQL is not portable."""
    place = path.relative_to(REPOSITORY)
    try:
        return f"-- The Spark SQL of {place}, written by `make docs`.\n{to_spark(path.read_text(encoding='utf-8'), str(place))}\n"
    except OpslaError as error:
        raise error if str(error).startswith(str(place)) else OpslaError(f"{place}: {error}") from error


def check() -> None:
    """Raises OpslaError, a line for each place, where a SQL file is not portable or its Spark SQL is not current."""
    texts, wrong = _translated()
    current = {path: path.read_text(encoding="utf-8") for path in _written()}
    wrong += [
        f"{path.relative_to(REPOSITORY)}: is not what its SQL file says today: run `make docs`, and read the difference"
        for path, text in texts.items()
        if current.get(path) != text
    ]
    wrong += [f"{path.relative_to(REPOSITORY)}: has no SQL file any more: run `make docs`" for path in current if not _origin(path).exists()]
    if wrong:
        raise OpslaError("\n".join(wrong))


def write() -> None:
    """Writes the Spark SQL of every file anew, and removes that of files that are gone (`make docs`). Raises as `check` does."""
    texts, wrong = _translated()
    for path in _written():
        if not _origin(path).exists():
            path.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if wrong:
        raise OpslaError("\n".join(wrong))


def _translated() -> tuple[dict[Path, str], list[str]]:
    """The Spark SQL of every file that is portable by where it stands, and what is wrong with the others."""
    texts, wrong = {}, []
    for path in sql_files():
        try:
            texts[spark_path(path)] = spark_text(path)
        except OpslaError as error:
            wrong.append(str(error))
    return texts, wrong


def _origin(path: Path) -> Path:
    return SQL / path.relative_to(SPARK_DIRECTORY)


def _written() -> list[Path]:
    return sorted(SPARK_DIRECTORY.rglob("*.sql"))


def main() -> None:
    """`check` refuses (`make check`), anything else writes (`make docs`)."""
    try:
        check() if sys.argv[1:] == ["check"] else write()
    except OpslaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

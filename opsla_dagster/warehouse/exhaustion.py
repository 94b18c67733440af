"""When the memory or the disk is full: what DuckDB says then, in words that a person can act on.

Belongs here: telling such errors, and their messages. Does not belong here: trying again (assets/retrying.py, assets/factory.py).
"""

from __future__ import annotations

import duckdb

from opsla_dagster.errors import OpslaError, PassingError


def is_of_the_disk(error: BaseException) -> bool:
    """Whether DuckDB could not read, write or grow a file (or its memory); a failed commit says so in words only."""
    if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException)):
        return True
    return isinstance(error, duckdb.Error) and "Could not write file" in str(error)


def memory_error(whose: str, error: duckdb.OutOfMemoryException) -> OpslaError:
    """What a person can do about rows (`whose`: "source desk: its rows") that fit neither into memory nor onto the disk."""
    return disk_error(
        f"{whose} do not fit into the memory that OPSLA_MEMORY_LIMIT allows, or the disk has no room for what does "
        f"not: {str(error).splitlines()[0]}; allow more, or free some space"
    )


def disk_error(message: str) -> OpslaError:
    """`message` of what could not be written, as an error that passes where the disk is full: somebody, or a retention, makes room."""
    return (PassingError if "No space left on device" in message else OpslaError)(message)


def is_of_memory(error: BaseException | None) -> bool:
    """Whether memory was wanting: what is at work beside takes its own, and so does each thread."""
    return _caused_by(error, duckdb.OutOfMemoryException) is not None


def is_of_company(error: BaseException | None) -> bool:
    """Whether what is done at the same time on the same DuckDB may be why: a row that both write."""
    conflict = _caused_by(error, duckdb.TransactionException)
    return conflict is not None and not is_of_the_disk(conflict)


def _caused_by(error: BaseException | None, kind: type[duckdb.Error]) -> duckdb.Error | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__
    return error

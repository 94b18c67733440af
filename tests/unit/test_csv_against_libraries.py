"""Why CSV records are cut by our own code: at the locked versions the libraries lose records without a word (decision 0035).

When one of these fails because a library no longer loses anything, ours may go.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import duckdb
import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.sources import CsvSettings
from opsla_dagster.sources.event_log.reading.csv_records import copy_records

#: Seven records each, one of them broken.
NEVER_CLOSED = 'id,text\n1,ok\n2,ok\n3,"never closed\n4,ok\n5,ok\n6,ok\n7,ok\n'
CLOSED_LATER = 'id,text\n1,ok\n2,"a\n3,ok\n4,ok\n5,b" c\n6,ok\n7,ok\n'


def kept_and_rejected_by_duckdb(path: Path) -> tuple[int, int]:
    """Records that DuckDB gives, and those that it says it could not read."""
    with duckdb.connect() as connection:
        read = (
            f"select id, text from read_csv('{path}', header = true, delim = ',', quote = '\"', escape = '\"', auto_detect = false, "
            "columns = {'id': 'varchar', 'text': 'varchar'}, strict_mode = false, store_rejects = true)"
        )
        kept = len(connection.execute(read).fetchall())
        (rejected,) = connection.execute("select count(*) from reject_errors").fetchone() or (0,)
    return kept, rejected


@pytest.mark.parametrize("text", [NEVER_CLOSED, CLOSED_LATER], ids=["never closed", "closed records later"])
def test_a_stray_quote_swallows_records_in_duckdb_and_in_the_standard_library(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    kept, rejected = kept_and_rejected_by_duckdb(path)
    assert kept + rejected < 7
    assert len(list(csv.reader(io.StringIO(text)))) - 1 < 7


@pytest.mark.parametrize("text", [NEVER_CLOSED, CLOSED_LATER], ids=["never closed", "closed records later"])
def test_ours_refuses_the_file_by_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(OpslaError, match=r"log\.csv.*line \d+.*quote"):
        copy_records("log.csv", iter([text.encode()]), CsvSettings(), tmp_path / "copy.csv")

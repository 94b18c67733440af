"""Drop folders: what a marker releases is read, once and whole, and nothing else is. The rules: docs/decisions/0047-drop-folders.md."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dropping import A1, A2, A2_DONE, HEAD, MINUTE, NOW, Drops, sha256
from pydantic import ValidationError
from small_desk import desk_settings, log_of

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.drop_folders import DropFolderSettings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.drops import receiving
from opsla_dagster.sources.drops.places import Directory
from opsla_dagster.sources.drops.receipts import Receipts
from opsla_dagster.sources.drops.receiving import waiting_files
from opsla_dagster.sources.drops.released import Released
from opsla_dagster.sources.event_log.files import find_log_files
from opsla_dagster.window import Window

FIRST_FILE, SECOND_FILE = HEAD + A1, HEAD + A2


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return desk_settings(tmp_path_factory.mktemp("desk"), cases=100, gates=False)


@pytest.fixture
def drops(base: Settings, tmp_path: Path) -> Drops:
    return Drops(base, tmp_path)


def refused(drops: Drops, at: float = NOW) -> str:
    """What is wrong with the one marker that is refused."""
    found = drops.look(at)
    assert not found.receipts
    ((problem),) = [each.problem for each in found.refused]
    return problem


# --- what counts


def test_a_file_counts_once_a_marker_has_released_it(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    assert drops.look().receipts == ()
    with pytest.raises(OpslaError, match=r"no file of the drop folder esc that a marker has released matches .*\*\*/\*\.csv"):
        drops.read()
    drops.marker()
    (receipt,) = drops.look().receipts
    assert (receipt.number, receipt.marker, receipt.kind) == (1, "one.ready", "empty")
    assert drops.read() == {"a.csv": FIRST_FILE}
    assert drops.look().receipts == (), "once a marker"


def test_a_half_written_drop_beside_a_released_one_is_not_read(drops: Drops) -> None:
    drops.file("2025-07-01/a.csv", FIRST_FILE)
    drops.marker("2025-07-01/_SUCCESS")
    drops.file("2025-07-02/a.csv", HEAD + "A2,New,20")
    drops.look()
    assert drops.read() == {"2025-07-01/a.csv": FIRST_FILE}
    assert waiting_files(drops.settings, "esc") == ["2025-07-02/a.csv"]


@pytest.mark.parametrize("pattern", ["a.csv", "*.csv", "../drops/a.csv", "../*/a.csv", "../**/a.csv"])
def test_whatever_the_pattern_the_copy_that_was_received_is_read(drops: Drops, pattern: str) -> None:
    path = drops.file("a.csv", FIRST_FILE)
    drops.marker()
    settings = drops.with_options(pattern)
    drops.look(settings=settings)
    path.write_text(HEAD + "half", encoding="utf-8")
    assert drops.read(settings) == {"a.csv": FIRST_FILE}
    path.unlink()
    assert drops.read(settings) == {"a.csv": FIRST_FILE}, "also when the folder has been cleared"


def test_a_log_of_another_source_in_the_folder_and_a_link_into_it_are_no_way_around(drops: Drops, tmp_path: Path) -> None:
    drops.file("a.csv", FIRST_FILE)
    (tmp_path / "link.csv").symlink_to(drops.folder / "a.csv")
    settings = drops.with_options("../link.csv")
    with pytest.raises(OpslaError, match=r"link.csv: leads into the drop folder esc"):
        drops.read(settings)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.csv").write_text(SECOND_FILE, encoding="utf-8")
    assert drops.read(drops.with_options("../*/*.csv")) == {str(tmp_path / "other" / "b.csv"): SECOND_FILE}


def test_a_source_over_the_folder_has_the_cases_that_were_released(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker()
    drops.file("b.csv", SECOND_FILE, NOW - MINUTE)
    drops.look()
    desk = build_desk(drops.settings)
    every = Window(drops.settings.sources.desk.start_date, drops.settings.sources.desk.start_date.replace(month=9))
    assert desk.cases(every, datetime(2025, 8, 1))["case_id"].to_pylist() == ["A1"]
    (read,) = desk.files_read()
    assert read.names == (str(drops.folder / "a.csv"),), "people are told the file's own name, and not that of the copy"


# --- which files an empty marker releases


def test_a_marker_releases_what_is_as_old_as_it_and_the_next_one_the_rest(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE, NOW - 300)
    drops.marker("1.ready", at=NOW - 300)
    drops.file("b.csv", SECOND_FILE, NOW - 299)
    drops.look()
    assert drops.read() == {"a.csv": FIRST_FILE}
    drops.marker("2.ready", at=NOW - 200)
    drops.look()
    assert drops.read() == {"a.csv": FIRST_FILE, "b.csv": SECOND_FILE}


def test_sub_folders_belong_to_the_nearest_marker(drops: Drops) -> None:
    drops.file("day=1/part/a.csv", FIRST_FILE)
    drops.file("day=2/part/a.csv", SECOND_FILE)
    drops.marker("day=1/_SUCCESS")
    drops.look()
    assert list(drops.read()) == ["day=1/part/a.csv"]
    drops.file("c.csv", HEAD + A2_DONE)
    drops.marker("all.ready")
    drops.look()
    files = Receipts(drops.settings.home.drops).files_of(2)
    assert [file.name for file in files] == ["c.csv", "day=2/part/a.csv"], "what has a marker of its own is not released by one above it"


@pytest.mark.parametrize("name", [".a.csv", "_temporary/a.csv", "a.csv.filepart", "a.csv.tmp", "a.csv~"])
def test_names_of_files_that_are_not_complete_are_no_part_of_a_drop(drops: Drops, name: str) -> None:
    settings = drops.with_options("**/*")
    drops.file(name, HEAD)
    drops.file("b.csv", SECOND_FILE)
    drops.marker()
    drops.look(settings=settings)
    assert drops.read(settings) == {"b.csv": SECOND_FILE}


@pytest.mark.parametrize(("marker", "is_seen"), [("x.READY", True), ("_success", True), ("_SUCCESS.crc", False), ("ready", False), ("x.ready.receipt.json", False)])
def test_names_of_markers(drops: Drops, marker: str, is_seen: bool) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker(marker)
    assert len(drops.look().receipts) == is_seen


def test_a_marker_called_after_a_file_releases_that_file_alone(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.file("b.csv", SECOND_FILE)
    drops.marker("b.csv.ready")
    drops.look()
    assert drops.read() == {"b.csv": SECOND_FILE}
    drops.marker("c.csv.ready")
    assert refused(drops) == f"releases the file that it is called after, and {drops.folder}/c.csv is missing"
    drops.file("notes.json", "{}")
    drops.marker("notes.json.ready")
    drops.look()
    assert drops.read() == {"b.csv": SECOND_FILE}, "also of a file that no source reads"


# --- manifests


@pytest.mark.parametrize("rows", [3, None])
def test_a_manifest_is_checked_as_far_as_it_tells(drops: Drops, rows: int | None) -> None:
    text = HEAD + A1 + A2
    drops.file("a.csv", text)
    drops.file("b.csv", SECOND_FILE)
    told = {"name": "a.csv", "size": len(text), "sha256": sha256(text)} | ({} if rows is None else {"rows": rows})
    drops.marker(holds={"files": [told]})
    (receipt,) = drops.look().receipts
    assert receipt.kind == "manifest"
    assert drops.read() == {"a.csv": text}
    (file,) = Receipts(drops.settings.home.drops).files_of(1)
    assert (file.size, file.sha256, file.rows, file.is_attested) == (len(text), sha256(text), rows, True)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"name": "b.csv"}, "releases 1 file, of which b.csv is missing in {folder}; where markers hold no list of files, say marker_content: ignore"),
        ({"name": "A.csv"}, "releases 1 file, of which A.csv is missing in {folder} ('a.csv' is there, and not 'A.csv': names must be alike to the letter)"),
        ({"name": "a.csv", "size": 5}, "says that a.csv has 5 bytes; it has 71"),
        ({"name": "a.csv", "sha256": "0" * 64}, "says that the sha256 of a.csv is " + "0" * 64 + "; it is " + sha256(FIRST_FILE)),
        ({"name": "a.csv", "md5": "0" * 32}, "says that the md5 of a.csv is " + "0" * 32 + "; it is "),
        ({"name": "a.csv", "rows": 3}, "says that a.csv has 3 rows; it has 2 (the header is none)"),
        ({"name": "../a.csv"}, "lists ../a.csv, which does not lie in the drop folder {folder}"),
        ({"name": "/etc/passwd"}, "lists /etc/passwd, which does not lie in the drop folder {folder}"),
        ({"size": 5}, "lists a file without a name; expected nothing, one name a line"),
        ({"name": "a.csv", "size": "many"}, "says of a.csv that its size is 'many'; expected a whole number"),
    ],
)
def test_a_drop_that_is_not_as_its_manifest_says_is_refused_whole(drops: Drops, told: dict[str, Any], problem: str) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.file("ok.csv", SECOND_FILE)
    drops.marker(holds={"files": [{"name": "ok.csv"}, told]} if "b.csv" not in told.values() and "A.csv" not in told.values() else {"files": [told]})
    assert refused(drops).startswith(problem.format(folder=drops.folder))
    with pytest.raises(OpslaError, match="no file of the drop folder"):
        drops.read()


@pytest.mark.parametrize("holds", ['{"files": [{"name"', '{"files": 3}', "\x00\x01", "[3]"])
def test_a_manifest_that_is_not_whole_is_refused(drops: Drops, holds: str) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker(holds=holds)
    assert refused(drops)


@pytest.mark.parametrize(
    "holds",
    [
        "a.csv\n", "./a.csv\r\n\r\n", f"{sha256(FIRST_FILE)}  a.csv\n", ["a.csv"], {"files": ["a.csv"]}, {"files": [{"path": "a.csv", "bytes": 71}]},
        {"entries": [{"url": "{folder}/a.csv", "mandatory": True, "meta": {"content_length": 71, "record_count": 2}}, {"url": "{folder}/gone.csv", "mandatory": False}]},
    ],
)  # fmt: skip
def test_the_forms_of_manifests(drops: Drops, holds: object) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.file("b.csv", SECOND_FILE)
    drops.marker(holds=(holds if isinstance(holds, str) else json.dumps(holds)).replace("{folder}", str(drops.folder)))
    assert drops.look().refused == ()
    assert drops.read() == {"a.csv": FIRST_FILE}


def test_a_marker_with_a_time_in_it_is_no_list_unless_that_is_said(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker(holds="2025-07-04T08:00:00Z\n")
    assert "say marker_content: ignore" in refused(drops)
    assert drops.look(settings=drops.with_options(marker_content="ignore")).receipts[0].kind == "ignored"
    assert drops.read() == {"a.csv": FIRST_FILE}


def test_a_drop_of_nothing_is_said_by_a_manifest(drops: Drops) -> None:
    drops.marker("1.ready")
    assert refused(drops).startswith("releases no file: no file of")
    drops.marker("1.ready", {"files": []}, NOW - 60)
    (receipt,) = drops.look().receipts
    assert Receipts(drops.settings.home.drops).files_of(receipt.number) == []


def test_a_file_without_a_byte_is_refused_unless_it_is_meant(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.file("b.csv", "")
    drops.marker()
    assert refused(drops).startswith("releases b.csv, which is empty (0 bytes)")
    drops.marker(holds={"files": [{"name": "a.csv"}, {"name": "b.csv", "size": 0}]}, at=NOW - 120)
    drops.look()
    assert drops.read() == {"a.csv": FIRST_FILE}


# --- times


def test_a_marker_that_comes_before_its_files_waits_a_minute_and_is_then_refused(drops: Drops) -> None:
    drops.marker(holds={"files": ["a.csv"]}, at=NOW - 5)
    found = drops.look(NOW)
    assert (found.refused, found.receipts) == ((), ())
    assert found.waiting[0].endswith("this may be on its way")
    drops.file("a.csv", FIRST_FILE, NOW - 6)
    assert len(drops.look(NOW + 1).receipts) == 1

    drops.marker("2.ready", {"files": ["b.csv"]}, at=NOW)
    assert drops.look(NOW + 59).refused == ()
    assert len(drops.look(NOW + 61).refused) == 1
    drops.file("b.csv", SECOND_FILE, NOW + 90)
    assert "which was written after it" in refused(drops, NOW + 100), "nobody can tell whether this is what was meant"
    drops.marker("2.ready", {"files": ["b.csv"]}, at=NOW + 95)
    assert len(drops.look(NOW + 101).receipts) == 1


def test_a_checksum_outweighs_clocks(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE, NOW + 3_600)
    drops.marker(holds=f"{sha256(FIRST_FILE)}  a.csv\n")
    drops.look()
    assert drops.read() == {"a.csv": FIRST_FILE}


def test_a_marker_of_the_future_is_refused(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE, NOW + 1_000)
    drops.marker(at=NOW + 3_600)
    drops.look(NOW)
    assert "which has not come yet" in refused(drops, NOW + 90)
    assert len(drops.look(NOW + 3_400).receipts) == 1, "five minutes between two clocks are nothing"


def test_files_that_were_written_again_before_anybody_looked_wait_for_their_own_marker(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE, NOW - 900)
    drops.file("b.csv", SECOND_FILE, NOW - 900)
    drops.marker(at=NOW - 900)
    drops.look(NOW - 800)
    drops.file("b.csv", SECOND_FILE + A2_DONE, NOW - 700)
    drops.marker(at=NOW - 700)
    # Nobody looks, and the next export has begun.
    drops.file("a.csv", HEAD + "A1,Ne", NOW - 650)
    assert refused(drops).startswith("releases a.csv as it was, and it has been written again since (1 of 2 files)")
    assert drops.read() == {"a.csv": FIRST_FILE, "b.csv": SECOND_FILE}, "not a mixture of two drops"
    drops.file("a.csv", FIRST_FILE + A2, NOW - 600)
    drops.marker("two.ready", at=NOW - 500)
    found = drops.look()
    assert [(receipt.marker, receipt.kind) for receipt in found.receipts] == [("one.ready", "superseded"), ("two.ready", "empty")]
    assert found.refused == ()
    assert drops.read() == {"a.csv": FIRST_FILE + A2, "b.csv": SECOND_FILE + A2_DONE}


# --- again


def test_a_marker_that_is_written_again_is_a_new_one(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker()
    drops.look()
    drops.file("a.csv", FIRST_FILE + A2, NOW + 60)
    drops.marker(at=NOW + 120)
    (receipt,) = drops.look(NOW + 200).receipts
    assert receipt.number == 2
    assert drops.read() == {"a.csv": FIRST_FILE + A2}


def test_a_file_in_two_drops_is_one_and_so_is_one_of_the_same_content(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker("1.ready", {"files": ["a.csv"]})
    drops.file("again/resent.csv", FIRST_FILE)
    drops.marker("2.ready", {"files": ["a.csv", "again/resent.csv"]})
    drops.look()
    assert drops.read() == {"a.csv": FIRST_FILE}


def test_each_drop_replaces_means_the_last_one_is_the_whole_log(base: Settings, tmp_path: Path) -> None:
    drops = Drops(base, tmp_path, each_drop="replaces")
    drops.file("1/part-7f.csv", FIRST_FILE)
    drops.marker("1/_SUCCESS", at=NOW - 300)
    drops.file("2/part-c4.csv", FIRST_FILE + A2)
    drops.marker("2/_SUCCESS", at=NOW - 200)
    drops.look()
    assert drops.read() == {"2/part-c4.csv": FIRST_FILE + A2}
    drops.look(NOW + 2 * 86_400)
    assert len(list((drops.settings.home.drops / "esc").iterdir())) == 1, "a copy that nothing reads any more is kept for a day"


def test_a_correction_may_take_records_away_where_the_manifest_attests_it(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE + A2)
    drops.marker()
    drops.look()
    assert build_desk(drops.settings).sources[0].counts().rows == 3  # type: ignore[attr-defined]
    drops.file("a.csv", FIRST_FILE, NOW + 60)
    drops.marker(at=NOW + 120)
    drops.look(NOW + 200)
    with pytest.raises(OpslaError, match="shrank from 3 records to 2"):
        build_desk(drops.settings).reading_notes(datetime(2025, 8, 1))
    drops.marker(holds=f"{sha256(FIRST_FILE)}  a.csv\n", at=NOW + 300)
    drops.look(NOW + 400)
    assert build_desk(drops.settings).sources[0].counts().rows == 2  # type: ignore[attr-defined]


def test_two_markers_at_one_look_are_taken_in_the_order_in_which_they_were_written(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE, NOW - 400)
    drops.marker("z.ready", at=NOW - 300)
    drops.marker("a.ready", at=NOW - 200)
    assert [receipt.marker for receipt in drops.look().receipts] == ["z.ready", "a.ready"]


def test_what_was_refused_is_taken_in_once_it_is_mended_and_forgotten_when_its_marker_goes(drops: Drops) -> None:
    drops.marker(holds={"files": [{"name": "a.csv", "sha256": sha256(FIRST_FILE)}]})
    assert "missing" in refused(drops)
    drops.file("a.csv", FIRST_FILE)
    assert len(drops.look().receipts) == 1
    bad = drops.marker("2.ready", {"files": ["never.csv"]})
    assert "missing" in refused(drops)
    bad.unlink()
    assert drops.look().refused == ()


# --- the folder, the copies, the receipts


def test_a_folder_that_is_away_is_said_and_nothing_is_lost(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker()
    drops.look()
    drops.folder.rename(drops.folder.with_name("away"))
    found = drops.look(NOW + 5)
    assert found.trouble == f"drop folder esc: {drops.folder}: there is no such directory, or its disk is away; check drop_folders in sources.yml"
    assert found.is_passing
    assert drops.read() == {"a.csv": FIRST_FILE}
    look = Receipts(drops.settings.home.drops).look("esc")
    assert look is not None
    assert (look.looked_at, look.trouble_since) == (NOW, NOW + 5)


def test_what_is_not_fetched_in_time_goes_on_where_it_stopped(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "_PIECE_BYTES", 16)
    drops.file("a.csv", FIRST_FILE)
    drops.marker()
    (found,) = receiving.receive(drops.settings, now=NOW, seconds=0)
    assert found.waiting == ("one.ready: its files are being fetched",)
    assert found.receipts == ()
    ticks = iter(range(100))
    monkeypatch.setattr(receiving.time, "monotonic", lambda: next(ticks))
    seen = 0
    while not (found := receiving.receive(drops.settings, now=NOW, seconds=3)[0]).receipts:
        seen += 1
    assert seen == 2, "5 pieces, 2 a look"
    assert drops.read() == {"a.csv": FIRST_FILE}


def test_a_file_that_changes_while_it_is_fetched_is_not_taken_in(drops: Drops, monkeypatch: pytest.MonkeyPatch) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.marker(at=NOW - 5)
    read = Directory.read

    def reading(place: Directory, name: str, start: int, end: int) -> bytes:
        content = read(place, name, start, end)
        drops.file("a.csv", SECOND_FILE + A2_DONE, NOW)
        return content

    monkeypatch.setattr(Directory, "read", reading)
    found = drops.look()
    assert found.receipts == ()
    assert "which was written again while it was fetched" in found.waiting[0]


def test_a_receipt_is_left_beside_the_marker_where_that_is_wanted(base: Settings, tmp_path: Path) -> None:
    drops = Drops(base, tmp_path, receipt_beside_marker=True)
    drops.file("a.csv", FIRST_FILE)
    drops.marker()
    drops.look()
    told = json.loads((drops.folder / "one.ready.receipt.json").read_text(encoding="utf-8"))
    assert told == {
        "marker": "one.ready", "marker_written_at": "2025-07-04 11:55:00Z", "at": "2025-07-04 12:00:00Z", "status": "received", "receipt": 1,
        "files": [{"name": "a.csv", "size": len(FIRST_FILE), "sha256": sha256(FIRST_FILE)}],
    }  # fmt: skip
    drops.marker("2.ready", {"files": ["b.csv"]})
    drops.look()
    assert json.loads((drops.folder / "2.ready.receipt.json").read_text(encoding="utf-8"))["status"] == "refused"


def test_files_that_no_source_reads_are_checked_and_not_copied(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    drops.file("huge.bin", "x" * 100)
    drops.marker(holds={"files": [{"name": "a.csv"}, {"name": "huge.bin", "size": 100}]})
    drops.look()
    assert [path.name.split("-")[1] for path in (drops.settings.home.drops / "esc").iterdir()] == ["a.csv"]


def test_a_name_that_is_no_text_is_said(drops: Drops) -> None:
    drops.file("a.csv", FIRST_FILE)
    Path(os.fsdecode(bytes(drops.folder) + b"/b\xff.csv")).touch()
    drops.marker()
    found = drops.look()
    assert found.receipts == ()
    assert found.trouble == f"drop folder esc: the name of 'b\\udcff.csv' in {drops.folder} is no UTF-8; rename or remove it"


# --- sources.yml


def test_a_drop_folder_in_another_one_is_refused(drops: Drops) -> None:
    document = drops.settings.sources.model_dump(mode="json", exclude_unset=True)
    document["drop_folders"]["inner"] = {"path": f"{drops.folder}/inner"}
    settings = replace(drops.settings, sources=SourcesSettings.model_validate(document))
    with pytest.raises(OpslaError, match=r"drop_folders.inner.path: .*/drops/inner lies in the drop folder esc"):
        drops.read(settings)


@pytest.mark.parametrize(
    ("options", "place", "problem"),
    [
        ({"path": "ftp://host/drops"}, "path", "no such kind of folder; write a directory, or an address that begins with s3://, gs://, az://"),
        ({"path": "s3://AKIAKEY:geheim/1@bucket/x"}, "path", "holds credentials or parameters"),
        ({"path": "az://box/x?sig=geheim"}, "path", "holds credentials or parameters"),
        ({"path": "x", "ready_key": "*"}, "ready_key", "expected the name of a marker"),
        ({"path": "x", "ready_key": "a/b"}, "ready_key", "without a directory"),
        ({"path": "x", "due_by": 750}, "due_by", 'write a time of day in quotes, such as "03:00"'),
        ({"path": "x", "due_by": "25:00"}, "due_by", "write a time of day in quotes"),
        ({"path": "x", "due_by": "00:00"}, "due_from", "is the same as due_by"),
        ({"path": "x", "each_drop": "appends"}, "each_drop", "Input should be 'adds' or 'replaces'"),
    ],
)
def test_what_is_wrong_in_sources_yml_is_said_and_no_secret_is_repeated(options: dict[str, Any], place: str, problem: str) -> None:
    with pytest.raises(ValidationError) as told:
        DropFolderSettings.model_validate(options)
    (error,) = told.value.errors()
    assert error["loc"][0] == place
    assert problem in error["msg"]
    assert "geheim" not in str(error["input"])


def test_an_object_of_no_drop_folder_and_an_unset_variable_are_refused(drops: Drops) -> None:
    settings = drops.with_options(extra=[{**log_of(Path("x")), "name": "other", "files": "s3://bucket/a.csv"}])
    with pytest.raises(OpslaError, match=r"other: files: s3://bucket/a.csv lies in an object store and in no drop folder"):
        find_log_files(settings.sources.sources[1], settings.config_directory, Released.of(settings))  # type: ignore[arg-type]
    assert "NO_SUCH_FOLDER" not in os.environ
    found = drops.look(settings=drops.with_options(path="${NO_SUCH_FOLDER}"))
    assert "wants the environment variable NO_SUCH_FOLDER" in found.trouble
    assert not found.is_passing

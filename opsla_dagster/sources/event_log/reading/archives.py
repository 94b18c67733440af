"""The table files in ZIP archives.

Belongs here: which entries of an archive are the log. Does not belong here: unpacking them.
"""

from __future__ import annotations

import fnmatch
import re
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.event_log.files import LogFile, natural
from opsla_dagster.sources.event_log.reading.content import bomb, most_unpacked
from opsla_dagster.sources.event_log.reading.forms import form_of, is_archive, opened_archive

MOST_ENTRIES = 10_000
#: What systems and packers put beside the files that somebody packed.
_COMPANIONS = re.compile(
    r"(^|.*/)(__MACOSX/.*|\.[^/]*|thumbs\.db|desktop\.ini|(readme|licen[cs]e|copying|changelog)(\.(txt|md|rst|html?|pdf))?"
    r"|[^/]*\.(md5|sha1|sha256))",
    re.IGNORECASE,
)
_ENCRYPTED = 0x1
_SHOWN = 5


def tables_in(files: Sequence[LogFile], directory: Path, *, is_form_told: bool) -> list[LogFile]:
    """The files, with the table files in it in place of each ZIP archive. Raises OpslaError for an archive that does not tell them."""
    found: list[LogFile] = []
    for file in files:
        found += _members(file, directory, is_form_told) if is_archive(file) else [_require_plain(file)]
    return found


def _require_plain(file: LogFile) -> LogFile:
    if file.member is not None:
        raise OpslaError(f"{file.name}: {file.outer_name} is no ZIP archive, so nothing can be named in it; name the file itself")
    return file


def _members(archive: LogFile, directory: Path, is_form_told: bool) -> list[LogFile]:
    entries = _entries(archive)
    wanted = [entry.filename for entry in entries if _is_meant(archive, entry)]
    if not wanted:
        missing = "table file" if archive.member is None else "such file"
        raise OpslaError(f"{archive.name}: the archive holds no {missing}; it holds {_list([entry.filename for entry in entries]) or 'nothing'}")
    _require_unpackable(archive, [entry for entry in entries if entry.filename in wanted])
    members = [replace(archive, member=name) for name in sorted(wanted, key=lambda name: natural(Path(name)))]
    if len(members) > 1 and not is_form_told:
        _require_one_form(archive, members, directory)
    return members


def _entries(archive: LogFile) -> list[zipfile.ZipInfo]:
    with opened_archive(archive.outer_name, archive.path) as opened:
        entries = [entry for entry in opened.infolist() if not entry.is_dir()]
    if len(entries) > MOST_ENTRIES:
        raise OpslaError(f"{archive.outer_name}: the archive holds {len(entries):,} files; {MOST_ENTRIES:,} are read at most: unpack it yourself")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        raise OpslaError(f"{archive.outer_name}: the archive holds two files of one name; nobody can tell which one is meant: unpack it yourself")
    return entries


def _is_meant(archive: LogFile, entry: zipfile.ZipInfo) -> bool:
    if archive.member is None:
        return _COMPANIONS.fullmatch(entry.filename) is None
    return entry.filename == archive.member or fnmatch.fnmatchcase(entry.filename, archive.member)


def _require_unpackable(archive: LogFile, entries: Sequence[zipfile.ZipInfo]) -> None:
    """What an entry says of its size binds: reading stops there, and its checksum is compared."""
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise OpslaError(f"{archive.outer_name}/{entry.filename}: is protected with a password; unpack it yourself, or pack it without one")
    size = sum(entry.file_size for entry in entries)
    if size > most_unpacked(archive.size):
        raise bomb(archive.outer_name, archive.size, f"{size:,}")


def _require_one_form(archive: LogFile, members: Sequence[LogFile], directory: Path) -> None:
    name = f"name those that are the log, as in {archive.outer_name}/tickets*.csv"
    forms = {}
    for member in members:
        try:
            forms[member.name] = form_of(member, directory)
        except OpslaError as error:
            raise OpslaError(f"{error}. The archive holds {_list([str(item.member) for item in members])}: {name}") from error
    if len(set(forms.values())) > 1:
        raise OpslaError(
            f"{archive.outer_name}: the archive holds files of several forms ({_list([f'{file} is {form}' for file, form in forms.items()])}): {name}"
        )


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

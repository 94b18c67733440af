"""What stands in a marker: nothing, or the files that it releases.

Belongs here: the forms in which manifests are written. Does not belong here: whether the files are there and are these.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.drop_folders import is_address

#: A manifest is a list of names; what is longer is a data file that is called like a marker.
MOST_BYTES = 16 * 2**20
_LISTS = ("files", "entries")
_NAMES = ("name", "path", "file", "filename", "url", "key")
_SIZES = ("size", "bytes", "size_bytes", "content_length")
_ROWS = ("rows", "row_count", "record_count", "records")
_SHA256, _MD5 = ("sha256", "sha256sum"), ("md5", "md5sum")
_SUM = re.compile(r"([0-9a-fA-F]{64}|[0-9a-fA-F]{32}) [ *](.+)")
_HEX = {"sha256": 64, "md5": 32}
_EXPECTED = (
    'expected nothing, one name a line, the output of sha256sum, or JSON such as {"files": [{"name": "tickets.csv", "size": 120, "sha256": "...", "rows": 3}]}; '
    "where markers hold something else, such as a time, say marker_content: ignore"
)


class BadManifest(OpslaError):
    """A manifest that cannot be understood; it may not be whole yet."""


@dataclass(frozen=True)
class Listed:
    """A file as a manifest tells of it; None where it does not."""

    #: Its path in the drop folder.
    name: str
    size: int | None = None
    sha256: str | None = None
    md5: str | None = None
    #: Records, without the header.
    rows: int | None = None
    is_mandatory: bool = True

    @property
    def is_attested(self) -> bool:
        """Whether its content is told, and not its name and size alone."""
        return self.sha256 is not None or self.md5 is not None or self.rows is not None


def read_manifest(content: bytes, marker: str, location: str) -> dict[str, Listed] | None:
    """The files of a marker by name; None of an empty one, which lists none. `location` is where the drop folder is.

    Raises BadManifest for what is no manifest.
    """
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise BadManifest(f"holds bytes that are no text; {_EXPECTED}") from error
    if not text:
        return None
    listed = _of_json(text) if text[0] in "{[" else _of_lines(text)
    found: dict[str, Listed] = {}
    for each in listed:
        name = _in_folder(each.name, marker, location)
        file = Listed(name, each.size, each.sha256, each.md5, each.rows, each.is_mandatory)
        if found.setdefault(name, file) != file:
            raise BadManifest(f"lists {each.name} twice, and not alike")
    return found


def _of_json(text: str) -> list[Listed]:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadManifest(f"is not valid JSON ({error}); {_EXPECTED}") from error
    if isinstance(document, dict):
        key = next((key for key in _LISTS if isinstance(document.get(key), list)), None)
        if key is None:
            raise BadManifest(f"lists no files; {_EXPECTED}")
        document = document[key]
    return [_of_entry(entry) for entry in document]


def _of_entry(entry: object) -> Listed:
    """A name, or a mapping. UNLOAD of Redshift tells sizes and rows in `meta`."""
    if isinstance(entry, str):
        return Listed(entry)
    if not isinstance(entry, dict):
        raise BadManifest(f"lists {entry!r}, which is no file; {_EXPECTED}")
    told = {**entry.get("meta", {}), **entry} if isinstance(entry.get("meta", {}), dict) else entry
    name = _first(told, _NAMES)
    if not isinstance(name, str) or not name.strip():
        raise BadManifest(f"lists a file without a name; {_EXPECTED}")
    sums = {kind: _sum(name, kind, _first(told, keys)) for kind, keys in (("sha256", _SHA256), ("md5", _MD5))}
    size, rows = (_number(name, keys[0], _first(told, keys)) for keys in (_SIZES, _ROWS))
    return Listed(name, size, sums["sha256"], sums["md5"], rows, told.get("mandatory", True) is not False)


def _of_lines(text: str) -> list[Listed]:
    listed = []
    for line in text.splitlines():
        if not line.strip():
            continue
        if told := _SUM.fullmatch(line.strip()):
            kind = "sha256" if len(told[1]) == _HEX["sha256"] else "md5"
            listed.append(Listed(told[2], **{kind: told[1].lower()}))  # type: ignore[arg-type]
        else:
            listed.append(Listed(line.strip()))
    return listed


def _first(told: Mapping[str, Any], keys: tuple[str, ...]) -> object:
    return next((told[key] for key in keys if told.get(key) is not None), None)


def _number(name: str, what: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not re.fullmatch(r"\d+", str(value)):
        raise BadManifest(f"says of {name} that its {what} is {value!r}; expected a whole number")
    return int(str(value))


def _sum(name: str, kind: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(rf"[0-9a-fA-F]{{{_HEX[kind]}}}", value):
        raise BadManifest(f"says of {name} that its {kind} is {value!r}; expected {_HEX[kind]} hexadecimal digits")
    return value.lower()


def _in_folder(name: str, marker: str, location: str) -> str:
    """The path in the drop folder. A manifest names files from where it lies, or in full; what lies outside is refused."""
    plain = name.strip().replace("\\", "/")
    if is_address(plain) or plain.startswith("/"):
        inside = plain.removeprefix(f"{location}/")
        if inside == plain:
            raise BadManifest(f"lists {name}, which does not lie in the drop folder {location}")
        path = posixpath.normpath(inside)
    else:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(marker), plain))
    if path.startswith(("../", "/")) or path in (".", ".."):
        raise BadManifest(f"lists {name}, which does not lie in the drop folder {location}")
    return path

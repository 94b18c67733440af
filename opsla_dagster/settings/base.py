"""How every config document is read: strict, frozen, and with errors that name the YAML path.

Belongs here: the base model, the reader, shared value types. Does not belong here: the fields of any one document.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from opsla_dagster.errors import OpslaError


class Document(BaseModel):
    """A frozen piece of configuration; a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


DocumentT = TypeVar("DocumentT", bound=Document)
#: Characters of a found value that an error shows.
_SHOWN_CHARACTERS = 120


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as America/New_York or UTC") from error
    return name


_DURATION = re.compile(r"(\d+)\s*(s|m|h|d)")
_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
#: A hundred years: no calendar reaches further, and instants stay countable.
_LONGEST_SECONDS = 36_525 * 86_400


def parse_duration(text: str, *, day_seconds: int = 86_400) -> int:
    """`90s`, `15m`, `2h`, `1h 30m`, `3d` as seconds, a day being `day_seconds` of them.

    Raises ValueError for anything else, and for more than a hundred years.
    """
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError(f"{text!r} is not a duration; write 90s, 15m, 2h, 1h 30m or 3d")
    unit_seconds = _UNIT_SECONDS | {"d": day_seconds}
    seconds = sum(int(number) * unit_seconds[unit] for number, unit in parts)
    if seconds > _LONGEST_SECONDS:
        raise ValueError(f"{_shown(text)} is longer than a hundred years; write 90s, 15m, 2h, 1h 30m or 3d")
    return seconds


def _duration_seconds(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"write a duration with its unit, such as 15m or 2h; found {value!r}")
    return parse_duration(value)


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _variable_name(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise ValueError(
            "expected the NAME of an environment variable (letters, digits, _); set the secret itself in the environment"
        )
    return value


ZoneName = Annotated[str, AfterValidator(_known_zone)]
#: A field with such a name ends in _variable: what was found there is never repeated, it may be the secret itself.
VariableName = Annotated[str, AfterValidator(_variable_name)]
Seconds = Annotated[int, BeforeValidator(_duration_seconds)]


class _Loader(yaml.SafeLoader):
    """YAML whose mappings have each key once: the plain loader would keep the last of them without a word."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        first_lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            name, line = (key.tag, str(key.value)), key.start_mark.line + 1
            if name in first_lines:
                raise ValueError(f"line {line}: {key.value!r} is said again, after line {first_lines[name]}; keep one of the two")
            first_lines[name] = line
        return node


def read_document(path: Path, model: type[DocumentT]) -> DocumentT:
    """The YAML file at `path` as a `model`.

    Raises OpslaError naming the file and, for a bad value, its YAML path, what was found and what was expected.
    """
    try:
        content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError as error:
        raise OpslaError(f"{path}: no such config file; OPSLA_CONFIG names the directory that holds it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise OpslaError(f"{path}: cannot be read: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # a date such as 2025-13-01 is a bare ValueError
        raise OpslaError(f"{path}: not valid YAML: {error}") from error
    if not isinstance(content, dict):
        raise OpslaError(f"{path}: expected a mapping of settings, found {type(content).__name__}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        is_confidential = bool(model.model_config.get("hide_input_in_errors"))
        raise OpslaError("\n".join(_lines(path, content, error, is_confidential))) from error


def _lines(path: Path, content: Any, error: ValidationError, is_confidential: bool) -> list[str]:
    """One line a problem; what was found is left out of a confidential document's, where it may be a secret."""
    problems = error.errors()
    missing = [str(problem["loc"][-1]) for problem in problems if problem["type"] == "missing"]
    lines = []
    for problem in problems:
        place = _yaml_path(content, problem["loc"]) or "(top)"
        if problem["type"] == "missing":
            told = "is required"
        elif problem["type"] == "extra_forbidden":
            meant = difflib.get_close_matches(str(problem["loc"][-1]), missing, n=1)
            told = f"no such setting; did you mean {meant[0]}?" if meant else "no such setting"
        else:
            hides = is_confidential or place.endswith("_variable")
            found = "" if hides else f"; found {_shown(problem['input'])}"
            told = f"{problem['msg'].removeprefix('Value error, ')}{found}"
        lines.append(f"{path}: {place}: {told}")
    return lines


def _yaml_path(content: Any, location: tuple[int | str, ...]) -> str:
    """The place as the file has it: pydantic also names the member of a union, and the key of a mapping as `[key]`."""
    parts: list[str] = []
    here = content
    for number, part in enumerate(location, start=1):
        is_there = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int)
        if is_there or (number == len(location) and part != "[key]"):
            parts.append(str(part))
        if is_there:
            here = here[part]
    return ".".join(parts)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."

"""How every config document is read: strict, frozen, and with errors that name the YAML path.

Belongs here: the base model, the reader, shared value types. Does not belong here: the fields of any one document.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from opsla_dagster.errors import OpslaError

#: Where something stands in a document: keys, and places in lists.
Place = tuple[str | int, ...]


class Document(BaseModel):
    """A frozen piece of configuration; a field it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _a_yes_is_no_number(cls, content: Any) -> Any:
        """YAML reads yes and on as true, which would pass for a 1."""
        for name, field in cls.model_fields.items() if isinstance(content, dict) else ():
            key = field.alias or name
            if _is_of_numbers(field.annotation):
                for place, value in _leaves(content.get(key), (key,)):
                    if isinstance(value, bool):
                        raise problem_at(place, "expected a number", value)
        return content


def _is_of_numbers(annotation: Any) -> bool:
    """Whether all that a field holds is numbers, as they are or in a list or a mapping."""
    if get_origin(annotation) is Annotated:
        return _is_of_numbers(get_args(annotation)[0])
    if get_origin(annotation) is not None or isinstance(annotation, UnionType):
        held = [part for part in get_args(annotation) if part not in (type(None), Ellipsis)]
        is_mapping = isinstance(get_origin(annotation), type) and issubclass(get_origin(annotation), Mapping)
        return bool(held) and all(_is_of_numbers(part) for part in (held[-1:] if is_mapping else held))
    return annotation in (int, float)


def _leaves(value: object, place: Place) -> Iterator[tuple[Place, object]]:
    """What stands in it, through lists and mappings, each with its place."""
    within = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if within is None:
        yield place, value
    else:
        for key, each in within:
            yield from _leaves(each, (*place, key))


DocumentT = TypeVar("DocumentT", bound=Document)
#: Characters of a found value that an error shows.
_SHOWN_CHARACTERS = 120


def problem_at(place: Place, problem: str, found: object) -> ValidationError:
    """For a validator to raise that looks at more than one place: `place` is told from where the validator stands."""
    told = PydanticCustomError("value_error", "{problem}", {"problem": problem})
    return ValidationError.from_exception_data("", [InitErrorDetails(type=told, loc=place, input=found)])


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use an IANA name such as America/New_York or UTC") from error
    return name


def percentage(value: object, example: str) -> float:
    """`30%` or 30 as 30.0. Raises ValueError for anything else; `example` is what it could look like."""
    try:
        if isinstance(value, bool):
            raise ValueError
        return float(str(value).strip().removesuffix("%").strip())
    except ValueError:
        raise ValueError(f"{value!r} is no percentage; write {example}") from None


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


def _with_a_unit(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("write a duration with its unit, such as 15m or 2h")
    return value


def _duration_seconds(value: object) -> int:
    return parse_duration(_with_a_unit(value))


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
DurationText = Annotated[str, BeforeValidator(_with_a_unit)]


class _Loader(yaml.SafeLoader):
    """YAML whose mappings have each key once: the plain loader would keep the last of them without a word."""

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        first_lines: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            name, line = (key.tag, str(key.value)), key.start_mark.line + 1
            if name in first_lines:
                problem = f"{key.value!r} is said again, after line {first_lines[name]}; keep one of the two"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            first_lines[name] = line
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A date such as 2025-13-01 is a bare ValueError, which would not say where it stands."""
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in C where libyaml is there, ten times as fast; what is wrong it leaves to `_Loader` to tell."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        if len({(key.tag, str(key.value)) for key, _ in node.value}) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key is said again", node.start_mark)
        content: dict[Any, Any] = super().construct_mapping(node, deep)
        return content


def _content(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_FastLoader)
    except (yaml.YAMLError, ValueError):
        return yaml.load(text, Loader=_Loader)


def read_document(path: Path, model: type[DocumentT]) -> DocumentT:
    """The YAML file at `path` as a `model`.

    Raises OpslaError naming the file and, for a bad value, its YAML path, what was found and what was expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise OpslaError(f"{path}: no such config file; OPSLA_CONFIG names the directory that holds it") from error
    except (OSError, UnicodeDecodeError) as error:
        raise OpslaError(f"{path}: cannot be read: {error}") from error
    try:
        content = _content(text)
    except yaml.YAMLError as error:
        raise OpslaError(f"{path}: {_yaml_problem(text, error)}") from None  # it quotes the line
    if not isinstance(content, dict):
        raise OpslaError(f"{path}: expected a mapping of settings, found {type(content).__name__}")
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise OpslaError("\n".join(_lines(path, content, model, error))) from error


def _yaml_problem(text: str, error: yaml.YAMLError) -> str:
    """Line, column and problem in one line, without the text that stands there, which may be a secret."""
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark or error.context_mark) is not None:
        line, column = mark.line + 1, mark.column + 1
        problem = ", ".join(part for part in (error.context, error.problem) if part)
    elif isinstance(error, yaml.reader.ReaderError):
        line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
        problem = error.reason
    else:
        return f"not valid YAML: {error}"
    return f"line {line}, column {column}: not valid YAML: {problem}"


#: What pydantic calls by Python's names -> what the file should have there.
_EXPECTED = {
    **dict.fromkeys(("tuple_type", "list_type"), "expected a list"),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "expected a mapping (name: value)"),
}


def _lines(path: Path, content: Any, model: type[Document], error: ValidationError) -> list[str]:
    """One line a problem; what was found is left out of a confidential document's, where it may be a secret."""
    is_confidential = bool(model.model_config.get("hide_input_in_errors"))
    lines = []
    for problem in error.errors():
        place = _yaml_path(content, problem["loc"]) or "(top)"
        if problem["type"] == "missing":
            told = "is required"
        elif problem["type"] == "extra_forbidden":
            told = f"no such setting; {_meant(str(problem['loc'][-1]), _settings_at(model, problem['loc'][:-1]))}"
        elif problem["type"] in {"union_tag_invalid", "union_tag_not_found"}:
            place, told = _kind_problem(place, problem["ctx"])
        else:
            hides = is_confidential or place.endswith("_variable")
            expected = _EXPECTED.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")
            told = expected + ("" if hides else _found(problem["input"]))
        lines.append(f"{path}: {place}: {told}")
    return lines


def _kind_problem(place: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Place and problem of a setting, mostly `type`, that says which of several documents this is."""
    here = f"{place}.{context['discriminator'].strip(chr(39))}"
    if "tag" not in context:
        return here, "is required"
    known = [each.strip("'") for each in context["expected_tags"].split(", ")]
    return here, f"there is no {context['tag']!r}; {_meant(context['tag'], known)}"


def _meant(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _settings_at(model: type[Document], place: Place) -> list[str]:
    """The settings that the document at `place` has. A list's numbers and a mapping's own keys are no fields, and lead to the same ones."""
    here = [model]
    for part in place:
        fields = [field for each in here for name, field in each.model_fields.items() if part in {name, field.alias}]
        here = [each for field in fields for each in _documents_in(field.annotation)] or _of_type(part, here)
    return list(dict.fromkeys(field.alias or name for each in here for name, field in each.model_fields.items()))


def _documents_in(annotation: Any) -> list[type[Document]]:
    if isinstance(annotation, type) and issubclass(annotation, Document):
        return [annotation]
    return [each for part in get_args(annotation) for each in _documents_in(part)]


def _of_type(name: str | int, documents: list[type[Document]]) -> list[type[Document]]:
    """Of a union the one whose `type` is `name`; all of them where it is no union."""
    typed = [each for each in documents if "type" in each.model_fields and name in get_args(each.model_fields["type"].annotation)]
    return typed or documents


def _yaml_path(content: Any, location: Place) -> str:
    """The place as the file has it: pydantic also names the member of a union, and the key of a mapping as `[key]`."""
    parts: list[str] = []
    here = content
    for number, part in enumerate(location, start=1):
        is_there = part in here if isinstance(here, dict) else isinstance(here, list) and isinstance(part, int) and part < len(here)
        if is_there or (number == len(location) and part != "[key]" and isinstance(here, dict | list)):
            parts.append(str(part))
        if is_there:
            here = here[part]
    return ".".join(parts)


def _found(value: object) -> str:
    """What stood there. Of a mapping or a list the place says it: all of it would be no help."""
    return "" if isinstance(value, dict | list | tuple | BaseModel) else f"; found {_shown(value)}"


def _shown(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."

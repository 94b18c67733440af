"""What of a record is stored: a list of its known fields, each with its JSON types and what becomes of it.

Belongs here: carrying out such a list, and noticing what differs from it. Does not belong here: any system's list.

A field that is not on the list is reported and left out: what nobody has looked at may be somebody's name. A word that is not among the
known ones of its field is reported and stored. A field that changed its type is reported and stored as it came, unless it became an object or a list, of which nobody knows what is in it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from opsla_dagster.sources.bronze.privacy import Pseudonyms


class Use(enum.Enum):
    """What becomes of a field."""

    KEEP = "stored as it is"
    PERSON = "stored as a pseudonym"
    TEXT = "stored only where free text is asked for"
    DROP = "never stored"


@dataclass(frozen=True)
class Field:
    """One known field. `types` are JSON types; a null is never a change of type."""

    use: Use
    types: tuple[str, ...]
    inside: Mapping[str, Field] | None = None
    required: bool = False
    #: The words that it may be, where they are a closed list: another one is reported, and stored.
    words: frozenset[str] | None = None
    #: Does what the list cannot say.
    convert: Callable[[Any], Any] | None = None


Shape = Mapping[str, Field]


def keep(*types: str, required: bool = False) -> Field:
    """A field that is stored as it is."""
    return Field(Use.KEEP, types or ("string",), required=required)


def word(words: Iterable[str], *, required: bool = False) -> Field:
    """A field that is one of `words`."""
    return Field(Use.KEEP, ("string",), required=required, words=frozenset(words))


def person(*types: str, required: bool = False) -> Field:
    """A person, or a list of persons: stored as pseudonyms."""
    return Field(Use.PERSON, types or ("integer", "string"), required=required)


def text(*types: str) -> Field:
    """Free text."""
    return Field(Use.TEXT, types or ("string",))


def drop(*types: str) -> Field:
    """Known, and not stored."""
    return Field(Use.DROP, types or ANY_TYPE)


def inside(shape: Shape, *, required: bool = False) -> Field:
    """An object, or a list of objects, with a list of its own."""
    return Field(Use.KEEP, ("object", "array"), inside=shape, required=required)


def converted(convert: Callable[[Any], Any], *types: str, required: bool = False) -> Field:
    """A field that a function makes into what is stored."""
    return Field(Use.KEEP, types, convert=convert, required=required)


#: What a system's own word looks like. Anything else may be what a person wrote, and is not told.
_MACHINE_WORD = re.compile(r"[a-z0-9_.-]{1,64}")
ANY_TYPE = ("string", "integer", "number", "boolean", "array", "object")

#: (resource, field, change, expected type, found type); of an unknown word the word
Difference = tuple[str, str, str, str, str]


class Shaper:
    """Carries out the lists for one load, and remembers what differed from them."""

    def __init__(self, pseudonyms: Pseudonyms, *, keep_text: bool) -> None:
        self._pseudonym = pseudonyms.of
        self._keep_text = keep_text
        self.differences: set[Difference] = set()
        self._required_of: dict[int, list[tuple[str, str]]] = {}

    def shape(self, resource: str, record: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        """What is stored of `record`."""
        return self._object(resource, "", record, shape)

    def person(self, value: object) -> str | None:
        """The pseudonym of an id, an address or a name."""
        return None if value is None or value == "" else self._pseudonym(str(value))

    def _object(self, resource: str, path: str, record: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
        stored: dict[str, Any] = {}
        for name, value in record.items():
            field = shape.get(name)
            if field is None:
                self._differs(resource, path + name, "new", "", _type_of(value))
                continue
            found = _type_of(value)
            is_retyped = found not in field.types and found != "null" and not (found == "integer" and "number" in field.types)
            if is_retyped:
                self._differs(resource, path + name, "retyped", "|".join(field.types), found)
            if field.use is Use.DROP or (field.use is Use.TEXT and not self._keep_text):
                continue
            if not (is_retyped and found in {"object", "array"}):
                stored[name] = self._value(resource, f"{path}{name}", value, field)
        for name, types in self._required(shape):
            if name not in record:
                self._differs(resource, path + name, "missing", types, "")
        return stored

    def _required(self, shape: Shape) -> list[tuple[str, str]]:
        """Remembered by identity: the lists are constants."""
        known = self._required_of.get(id(shape))
        if known is None:
            known = [(name, "|".join(field.types)) for name, field in shape.items() if field.required]
            self._required_of[id(shape)] = known
        return known

    def _value(self, resource: str, path: str, value: Any, field: Field) -> Any:
        if value is None:
            return None
        if field.use is Use.PERSON:
            return [self.person(item) for item in value] if isinstance(value, list) else self.person(value)
        if field.convert is not None:
            return field.convert(value)
        if field.inside is None:
            if field.words is not None and isinstance(value, str) and value not in field.words:
                self._differs(resource, path, "unknown", "", value if _MACHINE_WORD.fullmatch(value) else "a text that is no word")
            return value
        if isinstance(value, dict):
            return self._object(resource, f"{path}.", value, field.inside)
        if isinstance(value, list):
            return [
                self._object(resource, f"{path}.", item, field.inside) for item in value if isinstance(item, dict)
            ]
        return None

    def _differs(self, resource: str, field: str, change: str, expected: str, found: str) -> None:
        self.differences.add((resource, field, change, expected, found))


def _type_of(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"

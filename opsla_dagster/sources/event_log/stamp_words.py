"""Names of months and weekdays in the languages that logs are written in, as Unicode's CLDR has them.

Belongs here: words. Does not belong here: SQL, and formats.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import cache

#: Languages whose names are read, beside their variants that spell some differently (Jänner in Austria).
LANGUAGES = {"en": "English", "pt": "Portuguese", "es": "Spanish", "de": "German", "fr": "French", "it": "Italian", "nl": "Dutch", "ja": "Japanese"}
_LOCALES = (*LANGUAGES, "de_AT")
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
#: Written by exports and by hand, and not in CLDR.
_ALSO = {
    "sept": 9, "sep": 9, "mrz": 3, "maerz": 3, "jaen": 1, "jaenner": 1, "maa": 3, "setiembre": 9, "fév": 2, "fevr": 2, "fev": 2, "fevrier": 2,
    **{f"0{number}月": number for number in range(1, 10)}, "aou": 8, "aoû": 8, "aout": 8, "dec": 12, "decembre": 12, "marco": 3,
}  # fmt: skip


@cache
def month_words() -> dict[str, str]:
    """Name of a month in lower case, without its dot -> the English abbreviation; a word that means two months is left out."""
    meant: dict[str, set[int]] = {}
    for locale in _LOCALES:
        for word, number in _months(locale):
            for spelled in {word, _plain(word)}:
                meant.setdefault(spelled, set()).add(number)
    for word, number in _ALSO.items():
        meant.setdefault(word, set()).add(number)
    return {word: _ENGLISH[min(numbers) - 1] for word, numbers in meant.items() if len(numbers) == 1}


@cache
def weekday_words() -> frozenset[str]:
    """Names of weekdays in lower case, without their dots."""
    from babel import Locale

    words: set[str] = set()
    for locale in _LOCALES:
        days = Locale.parse(locale).days
        words.update(_bare(name) for context in days.values() for width in ("abbreviated", "wide") for name in context.get(width, {}).values())
    return frozenset(words | {_plain(word) for word in words})


def common_languages(words: Iterable[str]) -> list[str]:
    """The languages in which all those of the words that name months do so, such as German for Okt and März; none where English is one."""
    known = [languages for word in words if (languages := _languages_of(word))]
    common = [name for name in LANGUAGES.values() if all(name in languages for languages in known)] if known else []
    return [] if "English" in common else common or sorted({name for languages in known for name in languages} - {"English"})


@cache
def _languages_of(word: str) -> frozenset[str]:
    bare = _bare(word)
    return frozenset(name for code, name in LANGUAGES.items() if bare in {spelled for spelled, _ in _months(code)})


@cache
def _months(locale: str) -> set[tuple[str, int]]:
    from babel import Locale  # here, because most logs name no months and it is slow to import

    months = Locale.parse(locale).months
    return {
        (_bare(name), number)
        for context in months.values() for width in ("abbreviated", "wide") for number, name in context.get(width, {}).items()
    }  # fmt: skip


def _bare(word: str) -> str:
    return unicodedata.normalize("NFC", word).lower().rstrip(".")


def _plain(word: str) -> str:
    """Without accents, as exports in plain ASCII have it."""
    return "".join(letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))

"""Public holidays of one country, from the `holidays` library, without the 250 others.

Belongs here: importing no more of the library than is asked for. Does not belong here: which holidays a calendar keeps (calendars.py).
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holidays import HolidayBase

_PACKAGE = "holidays.countries"
_IMPORTING = threading.RLock()


def country_holidays(country: str, subdivision: str | None = None, **options: Any) -> HolidayBase:
    """What `holidays.country_holidays` gives. Raises NotImplementedError for a country or subdivision it does not know."""
    import holidays  # here, because most calendars do without it

    _import_alone(country)
    return holidays.country_holidays(country, subdivision, **options)


def is_known(country: str) -> bool:
    """Whether the library has this country, by one of its codes."""
    import holidays

    return country in holidays.list_supported_countries(include_aliases=True)


def _import_alone(country: str) -> None:
    """The library imports all of its countries for one (36 MB, a third of a second), unless that one is there already."""
    import holidays
    from holidays.registry import COUNTRIES

    module = next((name for name, codes in COUNTRIES.items() if country in codes), None)
    full_name = f"{_PACKAGE}.{module}"
    if module is None:
        return
    spec = importlib.util.spec_from_file_location(full_name, Path(holidays.__file__).parent / "countries" / f"{module}.py")
    if spec is None or spec.loader is None:
        return
    with _IMPORTING:
        if full_name in sys.modules or _PACKAGE in sys.modules:
            return
        alone = importlib.util.module_from_spec(spec)
        sys.modules[full_name] = alone
        try:
            spec.loader.exec_module(alone)
        except Exception:  # a version of the library that is put together otherwise: then all of them, as it does by itself
            del sys.modules[full_name]

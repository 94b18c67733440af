"""Configuration: the files of the config directory as typed, frozen documents, and where state lives.

Belongs here: reading and validating config. Does not belong here: acting on it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.alerts import AlertSettings, read_alert_settings
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import DESK_CALENDAR, CalendarsSettings
from opsla_dagster.settings.due_dates import require_due_fits
from opsla_dagster.settings.forecast import ForecastSettings, read_forecast
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.ownership import OwnershipSettings, read_ownership
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.settings.run_history import RunHistorySettings, read_run_history
from opsla_dagster.settings.scenarios import ScenariosSettings
from opsla_dagster.settings.simulation import SimulationSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.settings.sources import EventLogSettings, SimulationSourceSettings, SourcesSettings
from opsla_dagster.settings.staffing import StaffingSettings, read_staffing
from opsla_dagster.settings.worklist import WorklistSettings, read_worklist


@dataclass(frozen=True)
class Settings:
    """Everything an operator configures, and the home the state lives in."""

    config_directory: Path
    home: Home
    #: Only where sources.yml has a simulation.
    simulation: SimulationSettings | None
    sources: SourcesSettings
    calendars: CalendarsSettings
    sla_policies: SlaPoliciesSettings
    scenarios: ScenariosSettings
    forecast: ForecastSettings
    staffing: StaffingSettings
    worklist: WorklistSettings
    ownership: OwnershipSettings
    quality_gates: QualityGatesSettings
    alerts: AlertSettings
    run_history: RunHistorySettings
    #: Cases the simulation makes in its window; None: as simulation.yml says.
    simulated_cases: int | None = None


def _looked_in(directory: Path) -> str:
    return "" if directory.is_absolute() else f" in {Path.cwd()}"


def load_settings(config_directory: Path | None = None, home: Path | None = None) -> Settings:
    """Reads every document of the config directory (default: $OPSLA_CONFIG, else ./config).

    Raises OpslaError naming file and YAML path of the first document that is wrong.
    """
    directory = config_directory or Path(os.environ.get("OPSLA_CONFIG") or "config")
    if not directory.is_dir():
        raise OpslaError(
            f"{directory}: there is no such config directory{_looked_in(directory)}; OPSLA_CONFIG names one, `opsla init LOG` writes one for your log, "
            "`opsla init --demo` one of a simulated desk. Of one that you have: go to the directory that it lies in, or `export OPSLA_CONFIG=/path/to/config`"
        )
    where = Home.of(home)
    sources = read_document(directory / "sources.yml", SourcesSettings)
    policies = read_document(directory / "sla_policies.yml", SlaPoliciesSettings)
    scenarios = read_document(directory / "scenarios.yml", ScenariosSettings)
    ownership = read_ownership(directory / "ownership.yml")
    simulated = any(isinstance(source, SimulationSourceSettings) for source in sources.sources)
    calendars = read_document(directory / "calendars.yml", CalendarsSettings)
    _require_one_zone(calendars, sources, directory)
    _require_due_fits(sources, policies, calendars, directory)
    _require_dimensions_named(sources, policies, directory)
    _require_detours(scenarios, ownership, directory)
    return Settings(
        config_directory=directory,
        home=where,
        simulation=read_document(directory / "simulation.yml", SimulationSettings) if simulated else None,
        sources=sources,
        calendars=calendars,
        sla_policies=policies,
        scenarios=scenarios,
        forecast=read_forecast(directory / "forecast.yml"),
        quality_gates=read_document(directory / "quality_gates.yml", QualityGatesSettings),
        alerts=read_alert_settings(directory / "alerts.yml"),
        run_history=read_run_history(directory / "run_history.yml"),
        staffing=read_staffing(directory / "staffing.yml"),
        worklist=read_worklist(directory / "worklist.yml"),
        ownership=ownership,
        simulated_cases=where.remembered_cases(),
    )


def _require_one_zone(calendars: CalendarsSettings, sources: SourcesSettings, directory: Path) -> None:
    """Intake dates are the desk's, end dates those of its calendar: both must be of one zone."""
    path = directory / "calendars.yml"
    if DESK_CALENDAR not in calendars.calendars:
        raise OpslaError(
            f"{path}: calendars: none is called {DESK_CALENDAR!r}, which is the desk's own; known: {', '.join(calendars.calendars)}"
        )
    zone = calendars.desk.zone
    if zone != sources.desk.timezone:
        raise OpslaError(
            f"{path}: calendars.{DESK_CALENDAR}.zone: {zone!r} is not the desk's zone {sources.desk.timezone!r} "
            f"(sources.yml: desk.timezone); the days of the desk can have only one{_zones_of_stamps(sources)}"
        )


def _zones_of_stamps(sources: SourcesSettings) -> str:
    """Who gives the desk another zone may have to give it to the stamps of its logs, and would not see it: a shifted stamp is a stamp."""
    zones = [
        f"sources.{number}.time.timezone is {source.time.timezone}"
        for number, source in enumerate(sources.sources)
        if isinstance(source, EventLogSettings) and source.time.timezone is not None
    ]
    if not zones:
        return ""
    return f". Stamps without an offset keep a zone of their own ({'; '.join(zones)}): where it was only assumed, change it as well"


def _require_due_fits(sources: SourcesSettings, policies: SlaPoliciesSettings, calendars: CalendarsSettings, directory: Path) -> None:
    """Promises to single cases are on metrics of sla_policies.yml and calendars of calendars.yml."""
    for number, source in enumerate(sources.sources):
        if isinstance(source, EventLogSettings):
            place = f"{directory / 'sources.yml'}: sources.{number}.due"
            require_due_fits(place, source.due, policies.metrics, calendars.calendars)


def _require_dimensions_named(sources: SourcesSettings, policies: SlaPoliciesSettings, directory: Path) -> None:
    """A policy for a dimension that no source has would be for nobody, and look like one that is kept."""
    named = dict.fromkeys(
        name for source in sources.sources if not isinstance(source, SimulationSourceSettings) for name in source.dimensions
    )
    for number, policy in enumerate(policies.policies):
        for name in policy.when.dimensions:
            if name not in named:
                raise OpslaError(
                    f"{directory / 'sla_policies.yml'}: policies.{number}.when.dimensions.{name}: no source of sources.yml has a dimension "
                    f"{name!r}; known: {', '.join(named) or 'none'}; name it there: dimensions: {{{name}: ...}}"
                )


def _require_detours(scenarios: ScenariosSettings, ownership: OwnershipSettings, directory: Path) -> None:
    """A return from a review team is planned, so that routing nothing there would help nobody: a scenario of it would be all zeros."""
    for name, scenario in scenarios.scenarios.items():
        team = scenario.route_right_first.to_team if scenario.route_right_first else None
        if team in ownership.review_teams:
            raise OpslaError(
                f"{directory / 'scenarios.yml'}: scenarios.{name}.route_right_first.to_team: {team!r} is a review team (ownership.yml: review_teams), "
                "from which cases come back by plan: there is no detour to avoid; name another team here, or take it out there"
            )

"""What `opsla dev` is: Dagster's webserver and daemon in one process, which keeps the code server beside it.

Belongs here: putting Dagster's own parts together, and ending them together. Does not belong here: any of those parts.
`dagster dev` starts five processes, of which each imports Dagster and two keep a copy of the asset graph: 0038-opsla-dev-is-two-processes.md.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from dagster import DagsterInstance
from dagster import __version__ as dagster_version
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin
from dagster._core.remote_representation.code_location import CodeLocation
from dagster._core.remote_representation.grpc_server_registry import GrpcServerRegistry, ServerRegistryEntry
from dagster._core.workspace.context import (
    WEBSERVER_GRPC_SERVER_HEARTBEAT_TTL,
    IWorkspaceProcessContext,
    WorkspaceProcessContext,
)
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._daemon.backfill import execute_backfill_iteration
from dagster._daemon.controller import DagsterDaemonController, create_daemon_of_type
from dagster._daemon.daemon import BackfillDaemon, DaemonIterator, DagsterDaemon, SpanMarker
from dagster._grpc.constants import GrpcServerCommand
from dagster._utils.error import serializable_error_info_from_exc_info
from dagster._utils.interrupts import setup_interrupt_handlers
from dagster._utils.log import configure_loggers
from dagster_webserver.app import create_app_from_workspace_process_context

#: A person who has clicked waits for it, before, between and after the runs of a backfill; Dagster's own is 30.
_BACKFILLS_EVERY_SECONDS = 3.0
_LOOK_AFTER_PARTS_EVERY_SECONDS = 5.0
#: A browser keeps its connections open for as long as it likes.
_GRACE_SECONDS = 5
_LIVE_DATA_MILLISECONDS = 2_000
#: What `dagster-webserver` says of connections to a database; no limit to a statement, as the daemon uses them too.
_STATEMENT_MILLISECONDS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW = 0, 3_600, 20
_logger = logging.getLogger("dagster")


def serve(workspace_file: Path, host: str, port: int) -> int:
    """Serves the UI, schedules, sensors and the queue on DAGSTER_HOME until Ctrl-C or SIGTERM, and returns the exit code.

    0 when a person or the system ended it, 1 when a part of the daemon broke off.
    """
    os.environ["DAGSTER_IS_DEV_CLI"] = "1"  # the code server tells of a broken configuration without Dagster's own stack
    configure_loggers(formatter="colored", log_level="INFO")
    setup_interrupt_handlers()
    try:
        with ExitStack() as stack:
            instance = stack.enter_context(DagsterInstance.get())
            instance.optimize_for_webserver(_STATEMENT_MILLISECONDS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW)
            target = WorkspaceFileTarget([str(workspace_file)])
            code_servers = stack.enter_context(_code_servers(instance))
            workspace = stack.enter_context(
                WorkspaceProcessContext(instance, target, version=dagster_version, grpc_server_registry=code_servers)
            )
            daemon = stack.enter_context(DagsterDaemonController(workspace, [stack.enter_context(each) for each in _daemons(instance)]))
            return _serve_ui(workspace, code_servers, daemon, host, port)
    except KeyboardInterrupt:
        return 0
    finally:
        _logger.info("Dagster services shut down.")


def _code_servers(instance: DagsterInstance) -> GrpcServerRegistry:
    return GrpcServerRegistry(
        instance_ref=instance.get_ref(),
        server_command=GrpcServerCommand.API_GRPC,
        heartbeat_ttl=WEBSERVER_GRPC_SERVER_HEARTBEAT_TTL,
        startup_timeout=instance.code_server_process_startup_timeout,
        log_level="warning",
        wait_for_processes_on_shutdown=instance.wait_for_local_code_server_processes_on_shutdown,
    )


def _daemons(instance: DagsterInstance) -> Iterator[DagsterDaemon[Any]]:
    for daemon_type in instance.get_required_daemon_types():
        is_of_backfills = daemon_type == BackfillDaemon.daemon_type()
        yield PromptBackfillDaemon(instance.get_backfill_settings()) if is_of_backfills else create_daemon_of_type(daemon_type, instance)


class PromptBackfillDaemon(BackfillDaemon):
    """Dagster's, which looks at backfills more often."""

    def core_loop(self, workspace_process_context: IWorkspaceProcessContext[Any], shutdown_event: threading.Event) -> DaemonIterator:
        futures: dict[str, Future[Any]] = {}
        while True:
            yield SpanMarker.START_SPAN
            try:
                yield from execute_backfill_iteration(
                    workspace_process_context,
                    self._logger,
                    threadpool_executor=self._threadpool_executor,
                    backfill_futures=futures,
                    submit_threadpool_executor=self._submit_threadpool_executor,
                )
            except Exception:
                error = serializable_error_info_from_exc_info(sys.exc_info())
                self._logger.error("Backfills could not be looked at:\n%s", error)
                yield error
            yield SpanMarker.END_SPAN
            shutdown_event.wait(_BACKFILLS_EVERY_SECONDS)
            yield None


def _serve_ui(
    workspace: WorkspaceProcessContext, code_servers: GrpcServerRegistry, daemon: DagsterDaemonController, host: str, port: int
) -> int:
    app = create_app_from_workspace_process_context(workspace, live_data_poll_rate=_LIVE_DATA_MILLISECONDS)
    server = uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS)
    )
    with _looking_after_parts(workspace, code_servers, daemon, server) as broken:
        _logger.info("Serving dagster-webserver on http://%s:%s in process %s", host, port, os.getpid())
        try:
            server.run()
        except KeyboardInterrupt:  # uvicorn has ended in order, and hands the signal on
            _logger.info("Shutting down Dagster services...")
    return 1 if broken.is_set() or not server.started else 0


@contextmanager
def _looking_after_parts(
    workspace: WorkspaceProcessContext, code_servers: GrpcServerRegistry, daemon: DagsterDaemonController, server: uvicorn.Server
) -> Iterator[threading.Event]:
    """Starts a code server that died again; ends `server` and sets the event where a thread of the daemon broke off."""
    broken, done = threading.Event(), threading.Event()

    def look() -> None:
        locations: dict[str, CodeLocation | None] = {}
        while not done.wait(_LOOK_AFTER_PARTS_EVERY_SECONDS):
            try:
                daemon.check_daemon_threads()
            except Exception:
                _logger.exception("A part of the daemon broke off")
                broken.set()
                server.should_exit = True
                return
            _restart_dead_code_servers(workspace, code_servers)
            entries = workspace.get_current_workspace().code_location_entries
            before, locations = locations, {name: entry.code_location for name, entry in entries.items()}
            for name, location in before.items():
                if location is not None and location is not locations.get(name):
                    location.cleanup()  # a code server that was replaced ends once nobody asks whether it is there

    thread = threading.Thread(target=look, name="looking-after-parts", daemon=True)
    thread.start()
    try:
        yield broken
    finally:
        done.set()
        thread.join()


def _restart_dead_code_servers(workspace: WorkspaceProcessContext, code_servers: GrpcServerRegistry) -> None:
    for name, location in workspace.get_current_workspace().code_location_entries.items():
        if not isinstance(location.origin, ManagedGrpcPythonEnvCodeLocationOrigin):
            continue
        entry = code_servers.get_grpc_server_entry(location.origin)
        if isinstance(entry, ServerRegistryEntry) and (code := entry.process.server_process.poll()) is not None:
            _logger.warning("The code server of %s ended with code %s and is started again.", name, code)
            try:
                workspace.reload_code_location(name)
            except DagsterUserCodeUnreachableError:
                _logger.exception("The code server of %s could not be started", name)


if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))

"""What the emulator has answered survives a kill of it, as what AWS has answered survives anything.

The emulator has its state in memory and saves it when it ends. Here a request that changes
something is answered once that is kept: records and items by their journals (`records`, `items`),
S3's objects by the emulator itself, all else by saving the state of its service. CloudFormation
makes resources of all services behind its answers: when stacks have reached another status, all
are saved before that status is answered. Not in the middle of a deployment: after a kill in there
the stacks are as before it, and nothing waits for a deployment that has ended.

Not kept: metrics, logs, counts of usage plans, and what a state machine's execution has done since
it was started.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs

from ministack import app
from ministack.core import persistence, responses
from ministack.services import cloudformation, s3

from sdpctl.local.launcher import items, records

NOT_KEPT = {"execute-api", "logs", "monitoring", "sts"}
JOURNALED = {"dynamodb": items, "kinesis": records}
READS = ("BatchGet", "Describe", "Get", "Head", "List", "Query", "Receive", "Scan", "Search")
# Kept elsewhere, passed on, or of no use after a restart.
DATA = {"PutEvents", "PutRecord", "PutRecords", "StartQueryExecution", "SubscribeToShard"}
FULL, NOT_WRITTEN = 507, "not written to the disk"

_request = ["method", "path", "headers", "body", "query_params", "request_id"]
REPLACED: dict[Callable[..., Any], list[str]] = {
    app._dispatch_service_request: _request,
    app._load_persisted_state: [],
    persistence.save_all: ["services"],
}
USED: dict[ModuleType, tuple[str, ...]] = {
    app: ("SERVICE_REGISTRY", "_build_persistence_save_dict", "_routing_params", "detect_service"),
    cloudformation: ("_stacks",),
    responses: ("error_response_json", "error_response_xml"),
    s3: ("_error",),
}
_dispatch = app._dispatch_service_request
_load = app._load_persisted_state
_save = persistence.save_all
_statuses: dict[Any, str] = {}
_unsaved: set[str] = set()  # states that have changed and could not be saved
log = logging.getLogger("persistence")


def replace() -> None:
    """Put our functions in the place of the emulator's."""
    if persistence.PERSIST_STATE:
        app._dispatch_service_request = _answer_once_kept
        app._load_persisted_state = _load_and_replay
        app.save_all = _save_and_trim


async def _answer_once_kept(
    method: str, path: str, headers: Any, body: bytes, query_params: Any, request_id: str
) -> Any:
    parameters = app._routing_params(method, path, headers, body, query_params)
    service = app.detect_service(method, path, headers, parameters)
    action = _action(headers, body, query_params)
    try:
        _keep_former(service)
        answer = await _dispatch(method, path, headers, body, query_params, request_id)
        if answer[0] < 300:
            _keep(service, action, method, path, body)
        _keep_former(service)  # also what others have changed in the meantime
        for module in JOURNALED.values():
            await module.journal.synced()
    except OSError as error:
        log.error("Persistence: %s %s was not kept: %s", service, action or path, error)
        return _failure(service, action, path, headers)
    return answer


def _failure(service: str, action: str, path: str, headers: Any) -> Any:
    """As the service's protocol has errors: its clients cannot read another."""
    error = ("InternalFailure", NOT_WRITTEN, FULL)
    if service == "s3":
        return s3._error(*error, path)
    if action and not headers.get("x-amz-target"):  # of the query protocol
        return responses.error_response_xml(*error)
    return responses.error_response_json(*error)


def _action(headers: Any, body: bytes, query_params: Any) -> str:
    """The operation's name; empty for services whose operations are methods and paths."""
    if target := headers.get("x-amz-target"):
        return str(target).rpartition(".")[2]
    form = "x-www-form-urlencoded" in headers.get("content-type", "")
    fields = parse_qs(body.decode(errors="replace")) if form else query_params
    return str((fields.get("Action") or [""])[0])


def _keep(service: str, action: str, method: str, path: str, body: bytes) -> None:
    if service == "cloudformation":
        _keep_stacks()
    elif service in NOT_KEPT or action in DATA or not _changes(service, action, method, path):
        return
    elif service == "dynamodb":
        items.note(action, body)
    elif service == "kinesis":
        records.note_structure()
    else:
        _save_states(_states(service))


def _keep_former(service: str) -> None:
    """Keep what a request changed that was not answered because that could not be kept.

    Nobody sees it before: not who reads it, not who tries again.
    """
    if service == "dynamodb":
        items.keep()
    elif service == "kinesis":
        records.note_unwritten()
    if unsaved := _unsaved & _states(service):
        _save_states(unsaved)


def _changes(service: str, action: str, method: str, path: str) -> bool:
    """Whether a request may have changed what its service has to keep."""
    if action:
        return not action.startswith(READS)
    if service == "s3":
        return method in ("PUT", "DELETE") and "/" not in path.strip("/")  # of a bucket
    return method not in ("GET", "HEAD") and "/invocations" not in path


def _states(service: str) -> set[str]:
    """The names that the states of a service have on the disk."""
    known = app.SERVICE_REGISTRY.get(service, {})
    name = known.get("state_key", known.get("module"))
    return {name, *known.get("sub_modules", ())}


def _keep_stacks() -> None:
    """Save everything if stacks have reached another status than when that was saved."""
    global _statuses
    found = {key: s["StackStatus"] for key, s in cloudformation._stacks.all_items()}
    if found != _statuses and not any(s.endswith("IN_PROGRESS") for s in found.values()):
        items.save_if_changed()
        records.note_structure()
        _save_states(app._build_persistence_save_dict().keys() - JOURNALED.keys())
        _statuses = found


def _save_states(names: Iterable[str]) -> None:
    """Save these; OSError if one could not be: the emulator says so in its log alone."""
    states, named = app._build_persistence_save_dict(), set(names)
    wanted = {name: state for name, state in states.items() if name in named}
    before = {name: _identity(name) for name in wanted}
    _unsaved.update(wanted)
    _save(wanted)
    saved = {name for name, state in wanted.items() if _is_saved(name, state, before[name])}
    _unsaved.difference_update(saved)
    if saved != wanted.keys():
        raise OSError(f"{sorted(wanted.keys() - saved)} could not be saved")


def _is_saved(name: str, state: Callable[[], Any], before: Any) -> bool:
    """Whether its file is another than before; a service without a state has none."""
    if _identity(name) == before:
        with suppress(Exception):  # the emulator logs what a service raises, and saves the others
            return state() is None
    return True


def _save_and_trim(services: dict[str, Callable[[], Any]]) -> None:
    """At the end: save everything, and then remove from the journals what was saved."""
    numbers = {name: module.journal.number for name, module in JOURNALED.items()}
    before = {name: _identity(name) for name in JOURNALED}
    _save(services)
    for name, module in JOURNALED.items():
        if _identity(name) != before[name]:
            module.drop_saved(numbers[name])


def _identity(service: str) -> Any:
    path = Path(persistence.STATE_DIR) / f"{service}.json"
    return (path.stat().st_ino, path.stat().st_mtime_ns) if path.exists() else None


def _load_and_replay() -> None:
    with records.unread():  # loading the functions starts the thread that reads for them
        _load()
        for module in JOURNALED.values():
            module.replay()

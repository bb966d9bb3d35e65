"""Sends NDJSON to the ingestion API: batches, connections, retries, and an exact count.

A whole batch is retried after 429, 5xx or a lost connection, and only its `unavailable` records
otherwise, with the same event_ids (a line without one gets one before it is first sent), so that
what was already stored is recognised as a duplicate. A batch that never gets a response is
unanswered, not rejected: its outcome is unknown. May not import typer or rich.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from glue.limits import BODY_BYTES
from sdpctl.answers import reason

BATCH = 500
ATTEMPTS = 8
SHOWN = 10
NDJSON = {"content-type": "application/x-ndjson"}
AGAIN = (429, 500, 502, 503, 504)
UNAVAILABLE = "unavailable"  # the code of a valid record that could not be stored
_BOM = b"\xef\xbb\xbf"  # some programs start a file with it
_NO_ID = re.compile(rb'("event_id"\s*:\s*)null\b')


@dataclass(frozen=True)
class Line:
    """One record of the input and its line number."""

    number: int
    body: bytes


@dataclass(frozen=True)
class Types:
    """The types of event of one use case, aliases included."""

    use_case: str
    names: tuple[str, ...]

    def reason(self, name: object) -> str:
        """Why a line of another type is not sent."""
        return (
            f"{name!r} is not an event of the use case {self.use_case}; its events: "
            f"{', '.join(self.names)}"
        )


@dataclass(frozen=True)
class Rejection:
    """A rejected line, and why."""

    line: int
    field: str
    message: str
    record: bytes = b""


@dataclass
class Tally:
    """The outcome of the lines; the first `limit` rejections are kept, and `keep` receives each.

    `warnings` counts the API's warnings about accepted lines. The outcome of `unanswered` lines is
    unknown (see `cause`): sent again with the same event_ids, stored ones are duplicates.
    """

    accepted: int = 0
    rejected: int = 0
    unanswered: int = 0
    retries: int = 0
    cause: str = ""
    shown: list[Rejection] = field(default_factory=list)
    warnings: Counter[str] = field(default_factory=Counter)
    limit: int = SHOWN
    keep: Callable[[Rejection], object] = lambda rejection: None

    def reject(self, *rejections: Rejection) -> None:
        """Count rejected lines."""
        self.rejected += len(rejections)
        self.shown.extend(rejections[: max(0, self.limit - len(self.shown))])
        for rejection in rejections:
            self.keep(rejection)

    def add(self, other: Tally) -> None:
        """Add another tally's counts."""
        self.accepted += other.accepted
        self.unanswered += other.unanswered
        self.retries += other.retries
        self.cause = other.cause or self.cause
        self.warnings.update(other.warnings)
        self.reject(*other.shown)
        self.rejected += other.rejected - len(other.shown)


@dataclass(frozen=True)
class BatchResult:
    """One response: lines accepted, lines rejected, and lines to send again.

    If it covers no line, `unanswered` is the reason, and all must be sent again.
    """

    accepted: int
    rejections: list[Rejection]
    again: frozenset[int]
    unanswered: str = ""
    warnings: Sequence[str] = ()


@dataclass(frozen=True)
class Sender:
    """Sends batches to one URL; `pause` waits between attempts."""

    client: httpx.Client
    url: str
    pause: Callable[[float], object] = time.sleep

    def send(self, lines: Sequence[Line]) -> Tally:
        """Send one batch until each of its lines has a final result."""
        tally = Tally(limit=len(lines))
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._post(lines)
            if _status(answer) == 413 and len(lines) > 1:
                tally.add(self.send(lines[: len(lines) // 2]))
                tally.add(self.send(lines[len(lines) // 2 :]))
                break
            result = read_answer(lines, answer)
            again = result.again if attempt < ATTEMPTS else frozenset()
            tally.accepted += result.accepted
            tally.warnings.update(result.warnings)
            tally.reject(*(r for r in result.rejections if r.line not in again))
            if result.unanswered and not again:
                tally.unanswered, tally.cause = len(lines), result.unanswered
            lines = [line for line in lines if line.number in again]
            if not lines:
                break
            tally.retries += 1
            self.pause(_delay(answer, attempt))
        return tally

    def _post(self, lines: Sequence[Line]) -> httpx.Response | str:
        body = b"\n".join(line.body for line in lines)
        try:
            return self.client.post(self.url, content=body, headers=NDJSON)
        except httpx.RequestError as error:
            return f"{type(error).__name__}: {error}"


def read_answer(lines: Sequence[Line], answer: httpx.Response | str) -> BatchResult:
    """The result of each line, from the API's response or the lost connection."""
    if isinstance(answer, str):
        return _unanswered(lines, answer)
    try:
        body: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        body = {}
    if isinstance(body, dict) and "results" in body:
        rejected = [r for r in body["results"] if r["status"] == "rejected"]
        return BatchResult(
            int(body["accepted"]),
            [_rejection(lines[r["index"]], r["error"]) for r in rejected],
            frozenset(
                lines[r["index"]].number for r in rejected if r["error"]["code"] == UNAVAILABLE
            ),
            warnings=[r["warning"]["message"] for r in body["results"] if "warning" in r],
        )
    if answer.status_code in AGAIN:
        return _unanswered(lines, reason(answer))
    refused = [Rejection(line.number, "", reason(answer), line.body) for line in lines]
    return BatchResult(0, refused, frozenset())


def _rejection(line: Line, error: dict[str, Any]) -> Rejection:
    where, message = error.get("field") or "", error.get("message") or ""
    return Rejection(line.number, where, message, line.body)


def _unanswered(lines: Sequence[Line], cause: str) -> BatchResult:
    return BatchResult(0, [], frozenset(line.number for line in lines), cause)


def _status(answer: httpx.Response | str) -> int | None:
    return answer.status_code if isinstance(answer, httpx.Response) else None


def _delay(answer: httpx.Response | str, attempt: int) -> float:
    """Seconds to wait: Retry-After, or exponential backoff."""
    after = "" if isinstance(answer, str) else answer.headers.get("retry-after", "")
    return float(after) if after.isdigit() else float(min(0.2 * 2**attempt, 10.0))


def read_lines(
    source: Iterable[bytes], tally: Tally, types: Types | None = None, *, name: bool = True
) -> Iterator[Line]:
    """The records of an NDJSON source; an invalid line is rejected here, with its number.

    So is one of a type other than `types`, if they are given. `name`: a record without an event_id
    gets one.
    """
    for number, raw in enumerate(source, 1):
        text = raw.removeprefix(_BOM).strip()
        if not text:
            continue
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            tally.reject(Rejection(number, "", f"not JSON: {error}", text))
            continue
        if not isinstance(event, dict):
            tally.reject(Rejection(number, "", "not a JSON object", text))
            continue
        if types and "type" in event and event["type"] not in types.names:
            tally.reject(Rejection(number, "/type", types.reason(event["type"]), text))
            continue
        is_named = not name or event.get("event_id") is not None
        yield Line(number, text if is_named else with_id(text, event))


def with_id(text: bytes, event: dict[str, Any]) -> bytes:
    """The line with an event_id added; the rest of its text stays unchanged."""
    event_id = str(uuid.uuid4()).encode()
    if "event_id" in event:
        return _NO_ID.sub(rb'\1"' + event_id + b'"', text, count=1)
    return b'{"event_id":"' + event_id + (b'",' if event else b'"') + text[1:].lstrip()


def batches(lines: Iterable[Line], size: int, max_bytes: int = BODY_BYTES) -> Iterator[list[Line]]:
    """Lines in groups of at most `size` and `max_bytes`; a longer line is alone."""
    batch, total = list[Line](), 0
    for line in lines:
        length = len(line.body) + 1  # with the preceding newline
        if batch and (len(batch) == size or total + length > max_bytes):
            yield batch
            batch, total = [], 0
        batch.append(line)
        total += length
    if batch:
        yield batch


def paced(groups: Iterable[list[Line]], rate: float | None) -> Iterator[list[Line]]:
    """Groups, paced at `rate` lines per second."""
    started, sent = time.monotonic(), 0
    for group in groups:
        if rate:
            ahead = started + sent / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
        sent += len(group)
        yield group


def send_all(
    sender: Sender,
    source: Iterable[bytes],
    *,
    workers: int,
    rate: float | None,
    progress: Callable[[Tally], object],
    keep: Callable[[Rejection], object] = lambda rejection: None,
    types: Types | None = None,
) -> Tally:
    """Send everything over `workers` connections; `progress` receives the tally as it grows.

    `keep` receives each rejected line. `types`: a line of another type is not sent.
    """
    tally = Tally(keep=keep)
    size = BATCH if rate is None else max(1, min(BATCH, int(rate / 10)))
    running: set[Future[Tally]] = set()
    with ThreadPoolExecutor(workers) as pool:
        for group in paced(batches(read_lines(source, tally, types), size), rate):
            if len(running) >= 2 * workers:
                running = _collect(running, tally, progress)
            running.add(pool.submit(sender.send, group))
        while running:
            running = _collect(running, tally, progress)
    progress(tally)
    return tally


def _collect(
    running: set[Future[Tally]], tally: Tally, progress: Callable[[Tally], object]
) -> set[Future[Tally]]:
    done, rest = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        tally.add(future.result())
    progress(tally)
    return rest

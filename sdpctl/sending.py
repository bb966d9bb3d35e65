"""Sends NDJSON to the ingestion API: batches, connections, retries, and an exact count.

A batch is repeated whole after 429, 503, another 5xx or a lost connection, with the same
event_ids (a line without one is given one before it is first sent), so that what was stored
already is recognised as a duplicate. May not import typer or rich.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

BATCH = 500
ATTEMPTS = 8
SHOWN = 10
NDJSON = {"content-type": "application/x-ndjson"}
AGAIN = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Line:
    """One record of the input and where it stands."""

    number: int
    body: bytes


@dataclass(frozen=True)
class Rejection:
    """A line that was refused, and why."""

    line: int
    field: str
    message: str


@dataclass
class Tally:
    """What became of the lines; the first rejections are kept in full."""

    accepted: int = 0
    rejected: int = 0
    retries: int = 0
    shown: list[Rejection] = field(default_factory=list)

    def reject(self, *rejections: Rejection) -> None:
        """Count refused lines."""
        self.rejected += len(rejections)
        self.shown.extend(rejections[: max(0, SHOWN - len(self.shown))])

    def add(self, other: Tally) -> None:
        """Take over another tally's counts."""
        self.accepted += other.accepted
        self.retries += other.retries
        self.reject(*other.shown)
        self.rejected += other.rejected - len(other.shown)


@dataclass(frozen=True)
class Sender:
    """Sends batches to one URL; `pause` is how it waits between attempts."""

    client: httpx.Client
    url: str
    pause: Callable[[float], object] = time.sleep

    def send(self, lines: Sequence[Line]) -> Tally:
        """Send one batch until it is answered for good."""
        tally = Tally()
        for attempt in itertools.count(1):
            answer, delay = self._post(lines, attempt)
            if delay is None or attempt >= ATTEMPTS:
                break
            tally.retries += 1
            self.pause(delay)
        if isinstance(answer, httpx.Response) and answer.status_code == 413 and len(lines) > 1:
            tally.add(self.send(lines[: len(lines) // 2]))
            tally.add(self.send(lines[len(lines) // 2 :]))
        else:
            tally.add(read_answer(lines, answer))
        return tally

    def _post(
        self, lines: Sequence[Line], attempt: int
    ) -> tuple[httpx.Response | str, float | None]:
        """The answer, and after how many seconds to try again (None: it is final)."""
        backoff = min(0.2 * 2**attempt, 10.0)
        try:
            answer = self.client.post(
                self.url, content=b"\n".join(line.body for line in lines), headers=NDJSON
            )
        except httpx.TransportError as error:
            return f"{type(error).__name__}: {error}", backoff
        if answer.status_code not in AGAIN:
            return answer, None
        after = answer.headers.get("retry-after", "")
        return answer, float(after) if after.isdigit() else backoff


def read_answer(lines: Sequence[Line], answer: httpx.Response | str) -> Tally:
    """What the API, or the connection's end, says of each line."""
    if isinstance(answer, str):
        return _all_rejected(lines, answer)
    try:
        body: Any = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        body = {}
    if not isinstance(body, dict) or "results" not in body:
        return _all_rejected(lines, f"{answer.status_code}: {_message(body, answer)}")
    tally = Tally(accepted=int(body["accepted"]))
    for result in body["results"]:
        if result["status"] == "rejected":
            error = result["error"]
            where = lines[result["index"]].number
            tally.reject(Rejection(where, error.get("field") or "", error.get("message", "")))
    return tally


def _message(body: Any, answer: httpx.Response) -> str:
    if isinstance(body, dict):
        for name in ("detail", "title", "message"):
            if body.get(name):
                return str(body[name])
    return answer.text[:200] or answer.reason_phrase


def _all_rejected(lines: Sequence[Line], message: str) -> Tally:
    tally = Tally()
    tally.reject(*(Rejection(line.number, "", message) for line in lines))
    return tally


def read_lines(source: Iterable[bytes], tally: Tally) -> Iterator[Line]:
    """The records of an NDJSON source; a line that is none is rejected here, by number."""
    for number, raw in enumerate(source, 1):
        text = raw.strip()
        if not text:
            continue
        try:
            event = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            tally.reject(Rejection(number, "", f"not JSON: {error}"))
            continue
        if not isinstance(event, dict):
            tally.reject(Rejection(number, "", "not a JSON object"))
            continue
        if "event_id" not in event:
            text = orjson.dumps({**event, "event_id": str(uuid.uuid4())})
        yield Line(number, text)


def batches(lines: Iterable[Line], size: int) -> Iterator[list[Line]]:
    """Lines, up to `size` at a time."""
    remaining = iter(lines)
    while batch := list(itertools.islice(remaining, size)):
        yield batch


def paced(groups: Iterable[list[Line]], rate: float | None) -> Iterator[list[Line]]:
    """Groups, none of them before its time at `rate` lines a second."""
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
) -> Tally:
    """Send everything over `workers` connections; `progress` sees the tally as it grows."""
    tally = Tally()
    size = BATCH if rate is None else max(1, min(BATCH, int(rate / 10)))
    running: set[Future[Tally]] = set()
    with ThreadPoolExecutor(workers) as pool:
        for group in paced(batches(read_lines(source, tally), size), rate):
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

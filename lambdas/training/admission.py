"""Admission of runs: one at a time, within a budget per day. Both are conditional writes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from glue.instants import to_wire
from lambdas.ports.training import ENDPOINT, Document, Executions, Ledger

CAUSE = 4_000
"""An error's cause is cut to this length: Lambda's has up to 32,768; states pass 256 KiB."""


@dataclass(frozen=True)
class Limits:
    """Trainings and minutes per day (UTC); a run's longest training; the lock's lifetime."""

    runs_per_day: int
    minutes_per_day: int
    minutes_per_run: int
    lock_minutes: int


@dataclass(frozen=True)
class Run:
    """An execution: its name, and when it started (unchanged when a step is repeated)."""

    execution: str
    started: datetime

    @property
    def day(self) -> str:
        """The day whose budget it uses."""
        return self.started.date().isoformat()


def lock(
    ledger: Ledger, executions: Executions, run: Run, now: datetime, limits: Limits
) -> dict[str, Any]:
    """Acquire the lock for this run; `held` is false while another run has it.

    A run that was stopped could not release its locks: they are released here. Its budget stays
    reserved, because its training job may still be running.
    """
    second = int(now.timestamp())
    holder = ledger.holder(second)
    if holder and not executions.running(holder):
        ledger.release(holder)
        ledger.release(holder, ENDPOINT)
    held = ledger.acquire(run.execution, second, second + 60 * limits.lock_minutes)
    return {"held": held, "holder": ledger.holder(second)}


def current(ledger: Ledger, executions: Executions, now: datetime) -> str | None:
    """The run that has the lock and is still running; None if there is none."""
    holder = ledger.holder(int(now.timestamp()))
    return holder if holder and executions.running(holder) else None


def reserve(ledger: Ledger, run: Run, limits: Limits) -> dict[str, Any]:
    """Count a training against the day's budget; `granted` is false if that is used up.

    Reserves the longest allowed training, so that runs can never exceed the day's minutes.
    """
    minutes = limits.minutes_per_run
    granted = ledger.reserve(
        run.day, run.execution, minutes, limits.runs_per_day, limits.minutes_per_day
    )
    return {"granted": granted, "day": run.day, "minutes": minutes}


def finish(ledger: Ledger, run: Run, state: Document, now: datetime) -> dict[str, Any]:
    """Settle the budget, record the run, and release the locks. Returns how the run ended."""
    seconds = sum(int(state.get(step, {}).get("seconds", 0)) for step in ("training", "evaluation"))
    if state.get("budget", {}).get("granted"):
        ledger.settle(run.day, run.execution, state["budget"]["minutes"], -(-seconds // 60))
    ended = {
        "execution": run.execution,
        "status": status(state),
        "reasons": reasons(state),
        "cause": "; ".join(reasons(state)),
        "finished_at": to_wire(now),
        "to": state.get("data", {}).get("through") or to_wire(run.started),
        "rows": state.get("data", {}).get("rows", 0),
    }
    ledger.release(run.execution, ENDPOINT)
    if state.get("lock", {}).get("held"):
        ledger.record(ended)
        ledger.release(run.execution)
    return ended


def status(state: Document) -> str:
    """How the run ended, in a word or two."""
    if "error" in state:
        return "failed"
    if not state.get("lock", {}).get("held"):
        return "busy"
    if state.get("data", {}).get("status", "ready") != "ready":
        return str(state["data"]["status"])
    if not state.get("budget", {}).get("granted"):
        return "budget spent"
    if state.get("training", {}).get("status") == "NoModel":
        return "no model"
    return "promoted" if state.get("promotion") else "refused"


def reasons(state: Document) -> list[str]:
    """Why it ended so."""
    if "error" in state:
        error = state["error"]
        return [f"{error.get('Error')}: {error.get('Cause')}"[:CAUSE]]
    if not state.get("lock", {}).get("held"):
        return [f"{state.get('lock', {}).get('holder')} is running"]
    if reason := state.get("data", {}).get("reason"):
        return [str(reason)]
    if state.get("training", {}).get("status") == "NoModel":
        return [str(state["training"]["reason"])]
    if state.get("deployment", {}).get("superseded"):
        return [str(state["deployment"]["reason"])]
    return [str(reason) for reason in state.get("verdict", {}).get("reasons", [])]

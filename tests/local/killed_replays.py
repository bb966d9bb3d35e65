"""Replays that are killed again and again: each goes on or is dropped, with the same numbers.

In turn the command, its job and the emulator are killed with `kill -9`, three times while the
result is stored, three times at any moment, and so on. The moments, and which are dropped, come
from a seed. A reader looks all the while. A minute for each, so not collected with the others:
`make replays KILLS=12 SEED=1`, on the platform of SDP_TEST_RUNNING, or one of its own.
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import psutil
from botocore.exceptions import BotoCoreError, ClientError

from glue.instants import parse
from sdpctl.local import emulator
from sdpctl.settings import ROOT, Settings
from tests.local.commands import sdp
from tests.local.driver import Auctions, Driver, wait_until
from tests.local.test_replay import (
    MINUTE,
    NEVER,
    Reader,
    answers,
    bounds,
    corrupt,
    items,
    jvms,
    kill,
    minute_of,
)

KILLS, SEED = int(os.environ.get("KILLS", "12")), int(os.environ.get("SEED", "1"))
VICTIMS = ("command", "job", "emulator")
TRIES = 5


class Patient(Reader):
    """A reader who asks again when there is no answer."""

    def look(self) -> None:
        """One answer of each kind, if there is one."""
        with suppress(AssertionError, httpx.HTTPError, BotoCoreError, ClientError, KeyError):
            super().look()


@dataclass(frozen=True)
class Killing:
    """Kills of one platform's replays; `seconds` is how long an undisturbed one takes."""

    settings: Settings
    options: list[str]
    seconds: float

    def replay(self, number: int, random: Random) -> str:
        """Begin a replay, and kill something of it; what was done, for people."""
        command = [str(ROOT / "sdp"), "replay", *self.options]
        environment = self.settings.aws_environment()
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            turn, which = divmod(number, len(VICTIMS))
            wait, victim = (self._wait, self._await_storing)[turn % 2 == 0], VICTIMS[which]
            moment = wait(process, random)
            self._kill(victim, process)
            _, said = process.communicate(timeout=900)
        last = said.strip().splitlines()[-1:]
        return f"{victim} {moment}: exit {process.returncode}, {last}"

    def _wait(self, _: subprocess.Popen[str], random: Random) -> str:
        pause = random.uniform(0, self.seconds)
        time.sleep(pause)
        return f"after {pause:.1f} s"

    def _await_storing(self, process: subprocess.Popen[str], random: Random) -> str:
        noted = self.settings.home / "replay" / "local" / "adtech" / "former.json"
        while not noted.exists() and process.poll() is None:
            time.sleep(0.005)
        pause = random.uniform(0, 0.6)
        time.sleep(pause)
        return f"{pause:.2f} s into storing"

    def _kill(self, victim: str, process: subprocess.Popen[str]) -> None:
        match victim:
            case "command":
                with suppress(ProcessLookupError):
                    kill(process)
            case "job":
                _end(jvms(self.settings))
            case "emulator":
                found = emulator.service(self.settings).process()
                _end([found] if found else [])
                wait_until(
                    lambda: emulator.healthy(self.settings), 120, lambda: "no emulator answers"
                )


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=10)


def test_a_replay_that_is_killed_anywhere_goes_on_or_is_dropped_with_the_same_numbers(
    driver: Driver, settings: Settings, early: Auctions, tmp_path: Path
) -> None:
    start = minute_of(early)
    driver.await_totals(early.campaign, early.expected)

    def final() -> bool:
        driver.heartbeat()
        through = driver.get(f"campaigns/{early.campaign}").json()["complete_through"]
        return through is not None and parse(through) >= start + MINUTE

    wait_until(final, 360, lambda: driver.get(f"campaigns/{early.campaign}").text)
    right, stored = answers(driver, early.campaign), items(driver, start)
    options, folder = bounds(start), settings.home / "replay" / "local" / "adtech"
    for number in range(KILLS):
        corrupt(driver, start, early.campaign)
        wrong, reader = answers(driver, early.campaign), Patient(driver, start, early.campaign)
        if number == 0:
            begun = time.monotonic()
            dry = sdp(settings, "replay", *options, "--dry-run")
            killing = Killing(settings, options, time.monotonic() - begun)
        random = Random(f"{SEED}-{number}")
        with reader.reading():
            done = killing.replay(number, random)
            drops = folder.exists() and random.random() < 0.4
            if drops:
                _until_done(settings, "--drop")
                assert answers(driver, early.campaign) == wrong, done
            print(f"{number} (SEED={SEED}): {done}; {'dropped' if drops else 'goes on'}")
            again = _until_done(settings, *options)
            if drops:
                assert again.stdout == dry.stdout
        assert answers(driver, early.campaign) == right, done
        assert driver.get(f"campaigns/{NEVER}").status_code == 404
        now = items(driver, start)
        others = stored.keys() - {str(early.campaign)}
        assert {k: now[k] for k in others} == {k: stored[k] for k in others}
        assert not folder.exists()
        for place, kind in enumerate(("report", "totals")):
            _see_whole(reader.of(kind), wrong[place], right[place])
        assert reader.of("stored") == sorted(reader.of("stored"))


def _until_done(settings: Settings, *options: str) -> subprocess.CompletedProcess[str]:
    """The replay's command, again until it succeeds."""
    for _ in range(TRIES):
        done = sdp(settings, "replay", *options)
        if done.returncode == 0:
            return done
        time.sleep(5)
    raise AssertionError(done.stderr)


def _see_whole(seen: list[object], wrong: object, right: object) -> None:
    """Each answer was one or the other: wrong until it is right, and again only by a drop."""
    assert all(answer in (wrong, right) for answer in seen), seen
    assert seen[0] == wrong
    assert seen[-1] == right

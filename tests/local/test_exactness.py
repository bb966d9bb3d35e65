"""Every accepted record is counted right, whatever the order, the batches and the accidents."""

import random

from tests.local.driver import Driver, auctions, batches
from tests.local.machine import Machine


def test_all_clicks_before_impressions_before_bids(driver: Driver) -> None:
    made = auctions(300)
    driver.send(made.clicks)
    driver.send(made.impressions)
    driver.send(made.bids)
    driver.await_totals(made.campaign, made.expected)


def test_each_record_sent_five_times_counts_once(driver: Driver) -> None:
    made = auctions(120)
    repeated = made.events * 5
    random.Random(5).shuffle(repeated)
    driver.send(repeated)
    driver.await_totals(made.campaign, made.expected)


def test_all_in_one_batch(driver: Driver) -> None:
    made = auctions(240)
    assert len(made.events) <= 500
    driver.send(made.events)
    driver.await_totals(made.campaign, made.expected)


def test_each_in_a_batch_of_its_own(driver: Driver) -> None:
    made = auctions(60)
    driver.send(made.events, batch=1)
    driver.await_totals(made.campaign, made.expected)


def test_the_flink_process_killed_twice_during_the_flow(driver: Driver, machine: Machine) -> None:
    made = auctions(1200)
    events = list(made.events)
    random.Random(9).shuffle(events)
    for number, part in enumerate(batches(events, 200)):
        driver.send(part)
        if number in (2, 6):
            machine.kill_flink()
    driver.await_totals(made.campaign, made.expected, seconds=240)


def test_the_emulator_stopped_and_started_between_two_halves(
    driver: Driver, machine: Machine
) -> None:
    made = auctions(300)
    driver.send([*made.bids, *made.clicks])
    machine.restart_emulator()
    driver.send(made.impressions)
    driver.await_totals(made.campaign, made.expected, seconds=240)

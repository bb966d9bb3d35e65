"""The thinnest path: one event in over HTTP, one number out."""

from tests.local.driver import Driver, auctions


def test_one_event_posted_is_shown_by_the_report(driver: Driver) -> None:
    made = auctions(1)
    answer = driver.post("bid", {k: v for k, v in made.bids[0].items() if k != "type"})
    assert answer.status_code == 202, answer.text
    driver.await_totals(made.campaign, {"bids": 1, "impressions": 0, "clicks": 0, "spend": 0})

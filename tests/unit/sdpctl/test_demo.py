"""What `make demo` deploys."""

from sdpctl import demo_chain


def test_the_demo_deploys_the_default_use_case_and_those_with_a_demonstration() -> None:
    assert demo_chain.use_cases() == ("adtech", "shopping")

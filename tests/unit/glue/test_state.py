"""What of a running job's state a new version can restore."""

from glue.state import GROUP, Loss, Operator, from_properties, losses, to_properties
from infra import property_groups

COUNTS = Operator("a" * 32, "b" * 32, "", "the GROUP BY for report campaigns")
STEPS = Operator("c" * 32, "", "parcel: ordered, packed", "the correlation parcels-correlate")
PATTERNS = Operator("e" * 32, "", "card: {low count-in-window, odd anomaly}", "the patterns bank")


def _with(operator: Operator, **changes: str) -> Operator:
    return Operator(**{**vars(operator), **changes})


def test_the_same_operators_lose_nothing():
    assert losses({"adtech": [COUNTS, STEPS]}, {"adtech": [STEPS, COUNTS]}) == []


def test_operators_and_use_cases_can_be_added():
    added = _with(COUNTS, id="d" * 32)
    assert losses({"adtech": [COUNTS]}, {"adtech": [added, COUNTS], "doors": [STEPS]}) == []
    assert losses({}, {"adtech": [COUNTS]}) == []


def test_an_operator_that_is_gone_is_named():
    (loss,) = losses({"adtech": [COUNTS, STEPS]}, {"adtech": [STEPS]})
    assert str(loss) == (
        "adtech: the GROUP BY for report campaigns is no longer there, or has changed"
    )


def test_a_use_case_that_is_gone_loses_all_of_its_operators():
    lost = losses({"adtech": [COUNTS, STEPS], "doors": [STEPS]}, {"doors": [STEPS]})
    assert lost == [Loss("adtech", COUNTS), Loss("adtech", STEPS)]


def test_state_of_an_earlier_version_of_the_platform_is_found_by_the_former_id():
    before = _with(COUNTS, id=COUNTS.former, former="")
    assert losses({"adtech": [before]}, {"adtech": [COUNTS]}) == []


def test_stages_can_only_follow_the_earlier_ones():
    more = _with(STEPS, layout="parcel: ordered, packed, sent")
    assert losses({"parcels": [STEPS]}, {"parcels": [more]}) == []
    for layout in ("parcel: ordered, sent", "shop: ordered, packed", "parcel: ordered, packed2"):
        (loss,) = losses({"parcels": [STEPS]}, {"parcels": [_with(STEPS, layout=layout)]})
        assert f"changed from 'parcel: ordered, packed' to '{layout}'" in str(loss)


def test_patterns_can_be_added_anywhere():
    for names in (
        "stuck missing-step 3, low count-in-window, odd anomaly",
        "odd anomaly, low count-in-window, stuck missing-step 3",
    ):
        more = _with(PATTERNS, layout=f"card: {{{names}}}")
        assert losses({"bank": [PATTERNS]}, {"bank": [more]}) == []


def test_a_pattern_that_is_gone_renamed_or_of_another_kind_is_refused():
    for names in (
        "low count-in-window",
        "lower count-in-window, odd anomaly",
        "low a, odd anomaly",
    ):
        layout = f"card: {{{names}}}"
        (loss,) = losses({"bank": [PATTERNS]}, {"bank": [_with(PATTERNS, layout=layout)]})
        assert f"to '{layout}'; patterns can be added, but none can be removed" in str(loss)
        assert not loss.needs_name


def test_patterns_of_another_key_need_another_name():
    for layout in ("shop: {low count-in-window, odd anomaly}", "", "card: low, odd"):
        (loss,) = losses({"bank": [PATTERNS]}, {"bank": [_with(PATTERNS, layout=layout)]})
        assert loss.needs_name


def test_of_a_version_that_did_not_describe_its_patterns_nothing_is_known():
    assert losses({"bank": [_with(PATTERNS, layout="")]}, {"bank": [PATTERNS]}) == []


def test_properties_carry_any_number_of_operators_within_the_limits_of_the_service():
    many = [_with(COUNTS, id=f"{n:012}", former="", label=f"the JOIN {n}") for n in range(400)]
    properties = to_properties({"adtech": many, "doors": [STEPS], "bank": [PATTERNS]})
    property_groups.check({GROUP: properties})
    assert from_properties(properties) == {
        "adtech": tuple(many),
        "doors": (_with(STEPS, id="c" * 12),),
        "bank": (_with(PATTERNS, id="e" * 12),),
    }

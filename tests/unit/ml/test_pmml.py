"""A PMML file is a challenger that is evaluated exactly, or it is refused with the reason."""

import json
import tarfile
from datetime import UTC, datetime
from typing import Annotated

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import usecases
from features.definition import Hashed, Input, Numeric
from features.scoring import Fallback
from glue import event, record
from glue.instants import to_millis
from glue.models import model as declare
from ml import inference
from ml.artifact import Trained, unpack
from ml.evaluate import evaluate, write
from ml.gate import Thresholds
from ml.graph import graph
from ml.pmml import PmmlError, importing, read
from ml.pmml.elements import LARGEST
from ml.rows import Range
from ml.streaming import Graph
from tests.unit.ml import pmml_files
from tests.unit.ml.auctions import request

ADTECH = usecases.load().use_case("adtech")
THROUGH = to_millis(datetime(2027, 1, 15, tzinfo=UTC))
VERSION = "manual-1"
RISES = [1]  # the score must not fall where the price rises
CLOSE = 1e-6


@pytest.fixture(scope="module")
def rows(history):
    return [{**row, "creative_category": row["creative_category"] or ""} for row in history[:8_000]]


@pytest.fixture(scope="module")
def prices(rows):
    """As scikit-learn's trees round them."""
    return np.array([[row["bid_price"]] for row in rows], np.float32)


@pytest.fixture(scope="module")
def won(rows):
    return [row["won"] for row in rows]


@event(key="name", stream="offers")
class Offered:
    """Something is offered."""

    name: Annotated[str, "Whom."]
    balance: Annotated[float, "What is left."]
    segment: Annotated[str | None, "Of whom."] = None


@record(key="name", stream="taken")
class Taken:
    """Whether it was taken."""

    name: Annotated[str, "By whom."]
    balance: Annotated[float, "What is left."]
    segment: Annotated[str | None, "Of whom."] = None
    at: Annotated[datetime, "When it was offered."]
    taken: Annotated[bool, "Whether it was."]


TAKE = declare(
    name="take",
    doc="The probability that an offer is taken.",
    record=Taken,
    event=Offered,
    time="at",
    label="taken",
    segment="segment",
    inputs=(Input("segment", request="segment"), Input("balance", request="balance")),
    features=(Hashed("segment"), Numeric("balance")),
)


def _model(content, declared=ADTECH.model):
    return importing.model(content, declared, THROUGH, VERSION)


def _columns(rows, *names):
    return {name: [row.get(name) for row in rows] for name in names}


def _scores(model, rows):
    """Those of the model itself; its graph and the endpoint's have to be the same."""
    columns = _columns(rows, *model.definition.columns)
    scores = np.array(model.scores(columns))
    texts = {n: [t or "" for t in columns[n]] for n in model.definition.categories}
    texts = {n: [str(t) for t in values] for n, values in texts.items()}
    streamed = Graph(graph(model).SerializeToString(), model.definition).scores(columns | texts)
    assert np.abs(streamed - scores).max() <= CLOSE
    return scores


def test_a_regression_scores_as_in_the_library_that_fitted_it(rows, won):
    domains = sorted({row["domain"] for row in rows})
    known = domains[:-2]  # of the others the file has no coefficient
    matrix = np.array(
        [[row["bid_price"], *(row["domain"] == d for d in known)] for row in rows], float
    )
    matrix[:, 0] /= 1e6
    fitted = LogisticRegression(max_iter=500).fit(matrix, won)
    price, *of_domains = fitted.coef_[0].tolist()
    content = pmml_files.regression(
        float(fitted.intercept_[0]),
        {"bid_price": price / 1e6},
        {"domain": dict(zip(known, of_domains, strict=True))},
    )
    model = _model(content)
    expected = fitted.predict_proba(matrix)[:, 1]
    assert np.abs(_scores(model, rows) - expected).max() <= CLOSE
    assert len(np.unique(expected)) > 100
    fallback = Fallback.from_json(json.loads(json.dumps(model.fallback.to_json())))
    found = fallback.scores(_columns(rows, *model.definition.columns))
    assert np.abs(np.array(found) - expected).max() <= CLOSE


def test_a_scaled_number_scores_as_in_the_pipeline_that_scaled_it(rows, won):
    matrix = np.array([[row["bid_price"]] for row in rows], float)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(matrix, won)
    scaler, last = fitted[0], fitted[-1]
    more = pmml_files.scaled(
        "scaler(p)", "winPrice", float(scaler.mean_[0]), scaler.scale_[0].item()
    )
    numbers, names = {"winPrice": float(last.coef_[0, 0])}, {"winPrice": "scaler(p)"}
    content = pmml_files.regression(float(last.intercept_[0]), numbers, {}, more=more, names=names)
    expected = fitted.predict_proba(matrix)[:, 1]
    assert np.abs(_scores(_model(content), rows) - expected).max() <= CLOSE
    assert np.ptp(expected) > 0.1


def test_the_other_exporters_regression_scores_the_same(rows, won):
    matrix = np.array([[row["bid_price"]] for row in rows], float) / 1e6
    fitted = LogisticRegression().fit(matrix, won)
    numbers = {"winPrice": float(fitted.coef_[0, 0]) / 1e6}
    content = pmml_files.nyoka_regression(float(fitted.intercept_[0]), numbers)
    expected = fitted.predict_proba(matrix)[:, 1]
    assert np.abs(_scores(_model(content), rows) - expected).max() <= CLOSE
    # The terms may be those of the other category.
    odds = {"winPrice": -numbers["winPrice"]}
    turned = pmml_files.nyoka_regression(-float(fitted.intercept_[0]), odds)
    for label, other in ((b"1", b"x"), (b"0", b"1"), (b"x", b"0")):
        turned = turned.replace(b'Category="%s"' % label, b'Category="%s"' % other)
    assert np.abs(_scores(_model(turned), rows) - expected).max() <= CLOSE


def test_texts_of_all_kinds_and_whole_numbers_are_categories(rows):
    campaigns = sorted({row["campaign_item_id"] for row in rows})[:3]
    terms = {str(campaign): n + 1.0 for n, campaign in enumerate(campaigns)}
    texts = {"é<&\"'": 0.5, "\U0001f600": -2.0, "a" * 256: 0.25}
    content = pmml_files.regression(
        -1.0, {}, {"campaignItemId": terms, "domain": texts}, kinds={"campaignItemId": "integer"}
    )
    some = [
        {"campaign_item_id": campaign, "domain": domain}
        for campaign in (*campaigns, 4711)
        for domain in (*texts, "other", None)
    ]
    odds = [
        -1.0 + terms.get(str(r["campaign_item_id"]), 0.0) + texts.get(r["domain"], 0.0)
        for r in some
    ]
    expected = 1 / (1 + np.exp(-np.array(odds)))
    assert np.abs(_scores(_model(content), some) - expected).max() <= CLOSE


@pytest.mark.parametrize("depth", [1, 3, 12])
def test_a_tree_scores_as_in_the_library_that_fitted_it_at_its_limits_too(rows, prices, won, depth):
    fitted = DecisionTreeClassifier(max_depth=depth, monotonic_cst=RISES).fit(prices, won)
    limits = [t for t in fitted.tree_.threshold if t > 0]
    near = [f(np.float32(t)) for t in limits for f in (np.float32, _before, _after, int)]
    hard = [*rows, *({**rows[0], "bid_price": float(value)} for value in near)]
    expected = fitted.predict_proba(np.array([[r["bid_price"]] for r in hard], np.float32))[:, 1]
    cast = pmml_files.rounded("float(p)", "bid_price")
    for content in (
        pmml_files.tree(fitted, ["bid_price"]),
        pmml_files.tree(fitted, ["bid_price"], "double", cast, ["float(p)"]),
    ):
        assert np.abs(_scores(_model(content), hard) - expected).max() <= CLOSE


def test_a_tree_of_double_precision_is_exact_for_whole_numbers(rows, prices, won):
    fitted = DecisionTreeClassifier(max_depth=8, monotonic_cst=RISES).fit(prices, won)
    whole = [int(t) for t in fitted.tree_.threshold if t > 0]
    prices = [p + d for p in whole for d in (-1, 0, 1)] + [2**24 - 1, 2**24 + 1, 10**9]
    hard = [*rows, *({**rows[0], "bid_price": price} for price in prices)]
    expected = fitted.predict_proba(np.array([[r["bid_price"]] for r in hard], np.float32))[:, 1]
    content = pmml_files.nyoka_tree(fitted, ["winPrice"])
    assert np.abs(_scores(_model(content), hard) - expected).max() <= CLOSE


def _before(value):
    return np.nextafter(value, np.float32(-np.inf))


def _after(value):
    return np.nextafter(value, np.float32(np.inf))


@pytest.mark.parametrize("limit", ["85.305", "0.1", "1345.7263", "-8.190001"])
def test_a_limit_is_a_number_in_the_precision_of_its_field(limit):
    """As short as may be, it is another one in double precision: some greater, some less."""
    content = STUMP.replace("bid_price", "balance").replace('"1.5"', f'"{limit}"').encode()
    at = np.float32(limit)
    balances = (_before(at), at, float(limit), _after(at))
    rows = [{"balance": float(b), "segment": None} for b in balances]
    found = _scores(_model(content, TAKE), rows)
    assert found == pytest.approx([0, 0, 0, 1], abs=CLOSE)


def test_a_leaf_of_one_label_is_certain():
    fitted = DecisionTreeClassifier().fit([[1.0], [2.0], [3.0]], [False, True, True])
    model = _model(pmml_files.tree(fitted, ["winPrice"]))
    rows = [{"bid_price": p, "campaign_item_id": 1} for p in (1.0, 1.5, 1.6, 9.0)]
    assert _scores(model, rows) == pytest.approx([0, 0, 1, 1], abs=CLOSE)


def test_the_gate_judges_it_as_any_challenger_and_the_endpoint_answers_with_it(
    rows, prices, won, lake, history, tmp_path
):
    fitted = DecisionTreeClassifier(max_depth=6, monotonic_cst=RISES).fit(prices, won)
    content = pmml_files.tree(fitted, ["bid_price"])
    archive = importing.archive(content, ADTECH, to_millis(rows[-1]["bid_at"]), VERSION, tmp_path)
    report = evaluate(archive.parent, None, lake, Range.parse("", ""), Thresholds())
    assert report["challenger"]["model_version"] == VERSION
    assert report["rows"] > 10_000 and report["graph"]["largest_difference"] <= CLOSE
    assert report["decision"] in ("promote", "refuse") and report["reasons"]
    write(report, tmp_path / "report")
    assert VERSION in (tmp_path / "report/evaluation.html").read_text()
    folder = unpack(archive, tmp_path / "unpacked")
    answer = inference.predict_fn([request(history[0])], inference.model_fn(str(folder)))
    expected = fitted.predict_proba(np.array([[history[0]["bid_price"]]], np.float32))[0, 1]
    assert answer["predictions"][0]["score"] == pytest.approx(expected, abs=CLOSE)
    assert answer["predictions"][0]["unseen"] == []
    assert Trained.load(folder).version == answer["model_version"]
    with tarfile.open(archive) as tar:
        assert {"./code/inference.py", "./code/definition.json"} <= set(tar.getnames())


def test_the_first_one_must_beat_the_best_constant_because_nobody_knows_its_rows(
    rows, lake, tmp_path
):
    """One that says 40 % of everything is better than a half, and no model."""
    content = pmml_files.regression(-0.4, {"bid_price": 0.0}, {})
    archive = importing.archive(content, ADTECH, to_millis(rows[-1]["bid_at"]), VERSION, tmp_path)
    report = evaluate(archive.parent, None, lake, Range.parse("", ""), Thresholds())
    assert report["decision"] == "refuse"
    assert "not 1.0% better than the base rate's" in report["reasons"][0]


@pytest.mark.parametrize("depth", [1, 4])
def test_a_score_that_falls_where_it_must_not_is_refused(rows, prices, won, depth):
    fitted = DecisionTreeClassifier(max_depth=depth).fit(prices, [not label for label in won])
    with pytest.raises(PmmlError, match=r"falls where bid_price rises.*model win.*monotonic_cst"):
        _model(pmml_files.tree(fitted, ["bid_price"]))
    with pytest.raises(PmmlError, match="falls where winPrice rises"):
        _model(pmml_files.nyoka_regression(0.0, {"winPrice": -1e-9}))
    balance = pmml_files.nyoka_regression(0.0, {"balance": -1.0})
    assert _model(balance, TAKE).version == VERSION  # there it may


USUAL = {"intercept": 0.1, "numbers": {"bid_price": 0.5}, "categories": {"domain": {"a": 1.0}}}
REGRESSION = pmml_files.regression(**USUAL).decode()
LOGARITHM = (
    '<LocalTransformations><DerivedField name="log(p)" optype="continuous" dataType="double">'
    '<Apply function="ln"><FieldRef field="bid_price"/></Apply></DerivedField>'
    "</LocalTransformations>"
)
LAUGHS = "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12)
)  # 10**11 times, if it were expanded


def _mining(attributes, field="bid_price"):
    return REGRESSION.replace(
        f'<MiningField name="{field}"', f'<MiningField name="{field}" {attributes}'
    )


def _scaled(of="bid_price", mean=1.0, scale=2.0):
    more, names = pmml_files.scaled("scaled(p)", of, mean, scale), {"bid_price": "scaled(p)"}
    return pmml_files.regression(**USUAL, more=more, names=names).decode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is not XML"),
        ("no XML", "is not XML"),
        (REGRESSION[: len(REGRESSION) // 2], "is not XML"),
        (REGRESSION.replace("UTF-8", "no-such-encoding"), "is not XML: unknown encoding"),
        ("<a/>", "begins with a, not with PMML 4"),
        (REGRESSION.replace("PMML-4_4", "PMML-3_2"), "begins with http://www.dmg.org/PMML-3_2"),
        (f"<!DOCTYPE a [{LAUGHS}]><PMML>&a11;</PMML>", "document type"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><PMML/>', "document type"),
        (REGRESSION.replace("RegressionModel", "MiningModel"), "PMML: the element MiningModel is"),
        (REGRESSION.replace('"logit"', '"softmax"'), "'softmax' is not evaluated here; allowed"),
        (REGRESSION.replace(' normalizationMethod="logit"', ""), "normalizationMethod must be"),
        (REGRESSION.replace('Name="classification"', 'Name="regression"'), "functionName='regr"),
        (REGRESSION.replace("<NumericPredictor", '<NumericPredictor exponent="2"'), "exponent='2'"),
        (REGRESSION.replace("<RegressionTable", "<Unheard/><RegressionTable"), "element Unheard"),
        (REGRESSION.replace('coefficient="0.5"', 'coefficient="NaN"'), "coefficient='NaN' is not"),
        (REGRESSION.replace('coefficient="0.5"', 'coefficient="1_0"'), "coefficient='1_0' is not"),
        (REGRESSION.replace('coefficient="0.5"', 'coefficient="1e999"'), "too large"),
        (REGRESSION.replace('targetCategory="0"', 'targetCategory="2"'), "must be 0 and 1"),
        (REGRESSION.replace('intercept="0.0"', 'intercept="1.0"'), "must be empty"),
        (REGRESSION.replace("<Output>", "<Targets/><Output>"), "element Targets"),
        (REGRESSION.replace('usageType="target"', 'usageType="active"'), "there must be one"),
        # fields
        (_mining('missingValueReplacement="0"'), "MiningField bid_price: the attribute missingV"),
        (_mining('outliers="asExtremeValues"'), "MiningField bid_price: outliers="),
        (_mining('usageType="frequencyWeight"'), "MiningField bid_price: usageType="),
        (pmml_files.regression(**USUAL, invalid="returnInvalid").decode(), "handle_unknown"),
        (pmml_files.regression(**USUAL, invalid=None).decode(), "MiningField domain: only"),
        (pmml_files.regression(**USUAL, kinds={"bid_price": "float"}).decode(), "as double"),
        (pmml_files.regression(**USUAL, kinds={"bid_price": "string"}).decode(), "is a text"),
        (pmml_files.regression(**USUAL, kinds={"domain": "integer"}).decode(), "dataType integer"),
        (pmml_files.regression(**USUAL, kinds={"domain": "date"}).decode(), "dataType='date'"),
        (REGRESSION.replace("bid_price", "won_at"), "won_at is not known when"),
        (REGRESSION.replace("bid_price", "creative_id"), "creative_id is a category"),
        (REGRESSION.replace('"domain"', '"winPrice"'), r"\['bid_price', 'winPrice'\] are not all"),
        (REGRESSION.replace('"domain"', '"campaignItemId"'), "the value 'a' is no whole number"),
        (REGRESSION.replace('value="a"', 'value=""'), "empty value"),
        # computed ones
        (
            pmml_files.regression(**USUAL, more=LOGARITHM, names={"bid_price": "log(p)"}).decode(),
            r"DerivedField log\(p\): Apply: function='ln' is not evaluated here",
        ),
        (_scaled(scale=0.0), "'/' of these is not evaluated here"),
        (_scaled(mean=1e12), "its sum is not exact"),
        (_scaled(of="domain"), "domain is no number"),
        (_scaled(of="nothing"), "the field nothing is not in the MiningSchema"),
    ],
)
def test_what_cannot_be_exact_is_refused_with_the_reason(content, reason):
    with pytest.raises(PmmlError, match=reason):
        _model(content.encode())


def test_a_field_that_no_term_reads_may_be_anything():
    content = REGRESSION.replace("<Output>", f"{LOGARITHM}<Output>").encode()
    assert _scores(_model(content), [{"bid_price": 2.0, "domain": "a"}]) == pytest.approx(
        [1 / (1 + np.exp(-2.1))], abs=CLOSE
    )


FITTED = DecisionTreeClassifier().fit([[1.0], [2.0]], [False, True])
STUMP, WHOLE = (f(FITTED, ["bid_price"]).decode() for f in (pmml_files.tree, pmml_files.nyoka_tree))
COMPOUND = '<CompoundPredicate booleanOperator="or"><True/><True/></CompoundPredicate>'
TEST = '<SimplePredicate field="bid_price" operator="lessOrEqual" value="1.5"/>'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (STUMP.replace('"nullPrediction"', '"defaultChild"'), "missingValueStrategy='defaultChild"),
        (WHOLE.replace('"greaterThan"', '"greaterOrEqual"'), "Node 0: there are values"),
        (STUMP.replace('"lessOrEqual"', '"isMissing"'), "bid_price: operator='isMissing'"),
        (STUMP.replace(TEST, COMPOUND), "element CompoundPredicate"),
        (STUMP.replace("ScoreDistribution", "Extension"), "has no ScoreDistribution"),
        (STUMP.replace("<True/>", "<False/>"), "False"),
        (STUMP.replace('"float"', '"double"').replace('"1.5"', '"3e7"'), "single precision"),
        (STUMP.replace('"float"', '"string"'), "numbers as they are"),
        (STUMP.replace('"1.5"', '"1e39"'), r"1e\+39 is too large"),
        (STUMP.replace("bid_price", "domain"), "domain is a category"),
    ],
)  # fmt: skip
def test_a_tree_that_cannot_be_exact_is_refused_with_the_reason(content, reason):
    with pytest.raises(PmmlError, match=reason):
        _model(content.encode())


@pytest.mark.parametrize("kind", ["double", "integer"])
def test_what_is_not_the_column_s_own_type_is_refused_with_the_type_to_export(kind):
    balance = STUMP.replace("bid_price", "balance").replace('"float"', f'"{kind}"')
    with pytest.raises(PmmlError, match=f"balance is of dataType {kind}.*make it dataType='float'"):
        _model(balance.encode(), TAKE)
    whole = pmml_files.regression(0.0, {"balance": 1.0}, {}, kinds={"balance": "integer"})
    with pytest.raises(PmmlError, match="balance is an integer there"):
        _model(whole, TAKE)


def test_children_are_tested_one_after_the_other_and_a_node_may_be_the_last_prediction():
    """`multiSplit`: of several children whose predicate is true the first one counts."""
    share = "".join(f'<ScoreDistribution value="{n}" recordCount="{{}}"/>' for n in (0, 1))
    test = '<SimplePredicate field="bid_price" operator="{}" value="{}"/>'
    children = "".join(
        f"<Node>{test.format(*predicate)}{share.format(*counts)}</Node>"
        for predicate, counts in (
            (("lessThan", 10), (9, 1)),
            (("lessOrEqual", 20), (6, 4)),
            (("greaterThan", 50), (1, 9)),
        )
    )
    start, end = WHOLE.index("<Node"), WHOLE.rindex("</Node>")
    root = f"<Node><True/>{share.format(5, 5)}{children}"
    content = (WHOLE[:start] + root + WHOLE[end:]).replace('"double"', '"float"')
    content = content.replace(
        'missingValuePenalty="1.0"', 'noTrueChildStrategy="returnLastPrediction"'
    )
    rows = [{"bid_price": p, "campaign_item_id": 1} for p in (9, 10, 20, 21, 50, 51)]
    found = _scores(_model(content.encode()), rows)
    assert found == pytest.approx([0.1, 0.4, 0.4, 0.5, 0.5, 0.9], abs=CLOSE)


def test_a_file_that_is_too_large_or_too_deep_is_refused():
    with pytest.raises(PmmlError, match="more than 16,777,216 bytes"):
        read(b" " * (LARGEST + 1))
    with pytest.raises(PmmlError, match="deep"):
        read(b"<PMML>" * 501)

"""Models of PMML files on the platform: judged as any challenger, and the same score everywhere.

The regression is close to what made-up shoppers decide by, so the gate may well promote it; the
tree is put in service by hand if it is refused. Not collected with the others: `make models`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from glue.instants import to_wire
from tests.local.commands import sdp
from tests.local.offering import Offering, Row
from tests.unit.ml import pmml_files

NUMBERS = ("balance", "age", "average_monthly_expenditures")
SEGMENTS = ("business", "premium", "private", "student")
# No rule of the chain's tests is true for those who spend so much.
CUSTOMER = {"segment": "premium", "age": 41, "average_monthly_expenditures": 1500.0}
LEFT = 50.0
FIELD = b'<MiningField name="balance"'


@dataclass(frozen=True)
class Fitted:
    """A file, and the probability by the library that the model was fitted with."""

    content: bytes
    score: Callable[[Row], float]


def _regression(rows: list[Row]) -> Fitted:
    fitted = LogisticRegression(max_iter=2_000).fit(_matrix(rows), _label(rows))
    weights = fitted.coef_[0].tolist()
    numbers = dict(zip(NUMBERS, weights, strict=False))
    segments = dict(zip(SEGMENTS, weights[len(NUMBERS) :], strict=True))
    content = pmml_files.regression(
        float(fitted.intercept_[0]), numbers, {"segment": segments}, target="accepted"
    )
    return Fitted(content, lambda row: float(fitted.predict_proba(_matrix([row]))[0, 1]))


def _tree(rows: list[Row]) -> Fitted:
    fitted = DecisionTreeClassifier(max_depth=5, min_samples_leaf=20)
    fitted.fit(_matrix(rows)[:, : len(NUMBERS)], _label(rows))

    def score(row: Row) -> float:
        return float(fitted.predict_proba(_matrix([row])[:, : len(NUMBERS)])[0, 1])

    return Fitted(pmml_files.tree(fitted, list(NUMBERS), target="accepted"), score)


def _matrix(rows: list[Row]) -> np.ndarray:
    return np.array(
        [[*(r[n] for n in NUMBERS), *(r["segment"] == s for s in SEGMENTS)] for r in rows], float
    )


def _label(rows: list[Row]) -> list[bool]:
    return [row["accepted"] for row in rows]


def test_one_that_cannot_be_exact_is_a_version_that_the_gate_refuses_with_the_reason(
    offering: Offering, tmp_path: Path
) -> None:
    content = pmml_files.regression(0.1, {"balance": -0.01}, {}, target="accepted")
    reason = "MiningField balance: the attribute missingValueReplacement='0' is not evaluated here"
    file, before = tmp_path / "odd.pmml", _versions(offering)
    file.write_bytes(content.replace(FIELD, FIELD + b" missingValueReplacement='0'"))
    through, until = (
        to_wire(at) for at in (offering.rows[len(offering.rows) // 2]["offered_at"], offering.until)
    )
    command = ["model", "import", str(file), "--through", through, "--to", until, "--wait"]
    done = sdp(offering.settings, *command, "--use-case", "shopping", tree=offering.platform.tree)
    assert done.returncode == 1, done.stdout
    assert " ".join(done.stderr.split()).startswith(f"{file} is refused: {reason}"), done.stderr
    assert json.loads(done.stdout)["status"] == "refused"
    (version,) = _versions(offering).keys() - before.keys()
    listed = _versions(offering)[version]
    assert listed["status"] == "refused"
    assert listed["reason"].startswith("the PMML file cannot be evaluated exactly: MiningField")
    (why,) = json.loads(offering.sdp("model", "show", version, "--json"))["reasons"]
    assert why == f"the PMML file cannot be evaluated exactly: {reason}"
    forced = ("model", "promote", version, "--force", "--use-case", "shopping")
    done = sdp(offering.settings, *forced, tree=offering.platform.tree)
    assert done.returncode and "has no model that can be used" in done.stderr


def _versions(offering: Offering) -> dict[str, Row]:
    listed = json.loads(offering.sdp("model", "list", "--json"))
    return {row["version"]: row for row in listed}


@pytest.mark.parametrize("fit", [_regression, _tree])
def test_an_imported_model_is_judged_and_scores_as_where_it_was_fitted(
    offering: Offering, fit: Callable[[list[Row]], Fitted], tmp_path: Path
) -> None:
    rows = offering.rows[: len(offering.rows) * 7 // 10]
    fitted, file = fit(rows), tmp_path / "model.pmml"
    file.write_bytes(fitted.content)
    through = to_wire(rows[-1]["offered_at"])
    ended = offering.run("model", "import", str(file), "--through", through)
    assert ended["status"] in ("promoted", "refused"), ended
    version = ended["version"]
    evaluation = json.loads(offering.sdp("model", "show", version, "--json"))
    assert evaluation["reasons"] and evaluation["rows"] > 1_000
    assert evaluation["challenger"]["model_version"] == version
    assert evaluation["graph"]["largest_difference"] <= 1e-6
    if ended["status"] == "refused":
        offering.sdp("model", "promote", version, "--force")
    expected = fitted.score({**CUSTOMER, "balance": LEFT})
    assert offering.score(CUSTOMER, LEFT) == (version, pytest.approx(expected, abs=1e-6))
    decided = offering.decided(CUSTOMER)
    assert decided["model_version"] == version
    assert decided["score"] == pytest.approx(expected, abs=1e-6)

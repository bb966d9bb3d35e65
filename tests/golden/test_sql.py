"""The SQL the application runs, reviewed like code.

After a change on purpose: `python -m tests.golden.test_sql` writes the files again.
"""

from pathlib import Path

import pytest

from analytics_app.connectors import Kinesis
from analytics_app.rendering import render
from glue import UseCase
from usecases import load

FOLDER = Path(__file__).parent / "sql"
USE_CASES = load().use_cases


def _rendered(use_case: UseCase) -> str:
    prefix = "arn:aws:kinesis:eu-west-1:000000000000:stream/sdp"
    arns = {(use_case.name, s): f"{prefix}-{use_case.name}-{s}" for s in use_case.streams}
    tables = {use_case.name: f"sdp-{use_case.name}-definitions"}
    connector = Kinesis(arns, "eu-west-1", tables=tables)
    sql = render(use_case, use_case.configured({}), connector)
    return "".join(f"{statement};\n\n" for statement in (*sql.definitions, *sql.inserts))


@pytest.mark.parametrize("use_case", USE_CASES, ids=lambda u: u.name)
def test_the_rendered_sql_is_the_reviewed_one(use_case):
    assert _rendered(use_case) == (FOLDER / f"{use_case.name}.sql").read_text()


if __name__ == "__main__":
    for each in USE_CASES:
        (FOLDER / f"{each.name}.sql").write_text(_rendered(each))

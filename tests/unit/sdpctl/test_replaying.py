"""The file of corrected records: a line that is wrong is named."""

import pytest

from sdpctl.errors import CommandError
from sdpctl.replaying import edits


def test_edits_name_the_line_that_is_wrong() -> None:
    assert edits([b'{"id":"a","record":{"x":1}}', b""], "f") == {"a": {"x": 1}}
    with pytest.raises(CommandError, match="f line 2: must be"):
        edits([b'{"id":"a","record":{}}', b'{"id":"b"}'], "f")

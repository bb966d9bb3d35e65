"""A failed deployment names each resource that failed, and the reason."""

from pathlib import Path

from sdpctl.local.deploy import failures

LOG = """\
sdp-flink | 21/27 | 12:54:22 PM | UPDATE_COMPLETE | AWS::CloudWatch::Alarm | sdp/batches (F)
sdp-flink | 21/27 | 12:54:23 PM | UPDATE_FAILED   | Custom::State | sdp/State (S) Error: no state
sdp-flink | 12:54:23 PM | UPDATE_FAILED        | Custom::State    | sdp/State (S) Error: no state
sdp-flink | 12:54:24 PM | CREATE_FAILED        | AWS::S3::Bucket  | sdp/Bucket (B) it | exists
❌  sdp-flink failed to deploy
"""


def test_each_failed_resource_is_named_once_with_its_reason(tmp_path: Path) -> None:
    log = tmp_path / "deploy.log"
    log.write_text(LOG)
    assert failures(log) == [
        "sdp/State (S) Error: no state",
        "sdp/Bucket (B) it | exists",
    ]
    log.write_text("❌  no stack\n")
    assert failures(log) == []
    assert failures(tmp_path / "none.log") == []

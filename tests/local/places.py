"""Where a platform of the tests is."""

from __future__ import annotations

import os
from pathlib import Path

from sdpctl.local.processes import free_port
from sdpctl.settings import Settings


def of_its_own(home: Path) -> Settings:
    """Settings of a platform with ports and data of its own."""
    ports = ("EMULATOR", "FLINK", "SAGEMAKER", "MQTT")
    places = {f"SDP_{name}_PORT": str(free_port()) for name in ports}
    return Settings.load({**os.environ, "SDP_HOME": str(home), **places})

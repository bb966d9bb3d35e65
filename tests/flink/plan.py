"""Prints how Flink would run the application; runs in its environment and its folder."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))

from main import environment, statements

from analytics_app.properties import Properties

if __name__ == "__main__":
    given = Properties.read(Path(os.environ["SDP_APPLICATION_PROPERTIES"]))
    print(statements(environment(given), given).explain())

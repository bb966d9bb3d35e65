"""What the unit tests have in common."""

import os

# Each function gets its own from the template. It is read when a handler is first imported, by
# whatever test does so.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "SDP/test")

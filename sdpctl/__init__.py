"""The `sdp` command: everything a user does with the platform."""

import os

# The platform's services are on this machine. Where a proxy is set, clients would ask it for them.
LOCAL = ("127.0.0.1", "localhost")
for _name in ("no_proxy", "NO_PROXY"):
    _listed = os.environ.get(_name) or os.environ.get("no_proxy") or os.environ.get("NO_PROXY")
    os.environ[_name] = ",".join(dict.fromkeys([*filter(None, (_listed or "").split(",")), *LOCAL]))

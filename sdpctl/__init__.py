"""The `sdp` command: everything a user does with the platform."""

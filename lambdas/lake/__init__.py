"""Each minute: what was delivered becomes visible, what could not be delivered is reported."""

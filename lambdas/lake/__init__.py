"""Each minute: makes delivered files visible, and reports records that could not be delivered."""

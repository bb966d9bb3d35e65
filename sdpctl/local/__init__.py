"""The platform on one machine: an AWS emulator and workers for what the emulator lacks."""

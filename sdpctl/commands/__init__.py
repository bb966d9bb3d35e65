"""The commands, one module each: plain functions that `sdpctl.cli` registers."""

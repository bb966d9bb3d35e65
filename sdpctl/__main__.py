"""`python -m sdpctl`: what `./sdp` runs."""

from sdpctl.cli import main

main()

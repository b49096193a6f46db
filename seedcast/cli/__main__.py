"""`python -m seedcast.cli`: the same as `seedcast`, with this interpreter."""

from seedcast.cli import main

main()

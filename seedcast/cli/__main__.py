"""`python -m seedcast.cli`: the same as `seedcast`, for the interpreter at hand."""

from seedcast.cli import main

main()

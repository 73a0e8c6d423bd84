"""`python -m asft`, for launchers that start modules."""

from asft.cli import main

main()

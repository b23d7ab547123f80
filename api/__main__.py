"""`python -m api` is the `hansard` command."""

from api.cli import main

main()

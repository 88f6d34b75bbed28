"""`python -m infra.cli`: the same as `nudge`, where the script is not on the path."""

from infra.cli.main import app

app()

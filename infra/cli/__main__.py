"""Where `nudge` and `python -m infra.cli` begin.

Nothing is imported before it is needed: a worker process that a command starts reads this module
again, and has no use for the command line.
"""


def run() -> None:
    """Run the command that the process was given."""
    from infra.cli.main import app

    app()


if __name__ == "__main__":
    run()

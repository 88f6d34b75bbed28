"""`python -m tests.simulation SEED`: one history again, told step by step."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields, replace

from tests.simulation.play import Rules, play
from tests.simulation.quiet import quiet


def main() -> None:
    """Print the history of a seed; exit code 1 when something is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int)
    rules = Rules()
    for field in fields(Rules):
        kind = type(getattr(rules, field.name))
        parse = (lambda text: text == "True") if kind is bool else kind
        parser.add_argument(f"--{field.name}", type=parse, default=getattr(rules, field.name))
    given = vars(parser.parse_args())
    seed = given.pop("seed")
    with quiet():
        outcome = play(seed, replace(rules, **given), tell=True)
    sys.stdout.write("\n".join(outcome.trace) + "\n")
    sys.stdout.write(
        f"twice {outcome.twice}, missing {outcome.missing}, untrue {outcome.untrue};"
        f" {outcome.killed} kills, {outcome.frozen} freezes, {outcome.ambiguous} ambiguous,"
        f" {outcome.held} held\n"
    )
    sys.exit(not outcome.good)


if __name__ == "__main__":
    main()

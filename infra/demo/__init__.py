"""The demo: a bakery with 2,000 contacts, and one conversation played through to the clicks."""

from infra.settings import Settings


def load(settings: Settings) -> None:
    """Load and play the demo once; later calls say that it is there."""
    from infra.demo.play import load as play

    play(settings)

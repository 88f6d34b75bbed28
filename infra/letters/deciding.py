"""Which letters are still to be decided about: the log knows the decisions, one stream a record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from domain.organization.dead_letter import letter_id
from infra.letters.reading import Letter
from infra.postgres import Connection
from schemas.codec import Codec, Event

_DECISIONS: Final = """
    SELECT bytes, position FROM log.events WHERE stream_id = ANY(%s::uuid[])
    ORDER BY stream_id, version
"""


def stream_of(letter: Letter) -> str:
    """The stream of decisions about a letter's record and consumer."""
    return str(letter_id(letter.origin, letter.consumer))


def decisions(connection: Connection, codec: Codec, letters: Sequence[Letter]) -> list[Event]:
    """All decisions about these letters' records, in order for each; operators' words sealed."""
    streams = sorted({stream_of(each) for each in letters})
    return codec.decode_batch(connection.execute(_DECISIONS, (streams,)).fetchall(), None)


def still_open(connection: Connection, codec: Codec, letters: Sequence[Letter]) -> list[Letter]:
    """Those about which nobody has decided; a decision covers every earlier letter too."""
    decided: dict[str, int] = {}
    for event in decisions(connection, codec, letters):
        last = decided.get(event.stream_id, -1)
        decided[event.stream_id] = max(last, event.data.get("letter", -1))
    return [each for each in letters if each.offset > decided.get(stream_of(each), -1)]

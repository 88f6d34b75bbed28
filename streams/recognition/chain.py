"""Several recognisers as one: the first that answers is believed."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from streams.recognition.ports import (
    Recognition,
    Recognizer,
    RecognizerUnavailableError,
    Utterance,
)

_log = structlog.get_logger(__name__)


class RecognizerChain:
    """Asks in order. The answer says in `recognizer` who gave it."""

    def __init__(self, recognizers: Sequence[Recognizer]) -> None:
        if not recognizers:
            raise ValueError("a chain needs at least one recogniser")
        self._recognizers = tuple(recognizers)

    def recognize(self, utterance: Utterance) -> Recognition:
        """Raises `RecognizerUnavailableError` only when nobody answers."""
        for recognizer in self._recognizers[:-1]:
            try:
                return recognizer.recognize(utterance)
            except RecognizerUnavailableError as problem:
                _log.warning("recognizer_unavailable", reason=str(problem))
        return self._recognizers[-1].recognize(utterance)

"""The reply worker made from settings: the recognisers that are configured, and the desk."""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime
from pathlib import Path

from infra.bootstrap import Core
from infra.replies.desk import PostgresReplyDesk
from infra.settings import Settings
from streams.effects.replies import ReplyWorker
from streams.recognition.cache import MODELS
from streams.recognition.chain import RecognizerChain
from streams.recognition.offline import OfflineRecognizer
from streams.recognition.ports import Recognizer, Utterance

_MODEL_TIMEOUT = 10.0
_MODEL_RETRIES = 1
"""Twenty seconds in all: well within a task's lease and a loop's patience."""


def reply_worker(core: Core) -> ReplyWorker:
    """Blocks while the offline engine is read, for seconds when it has to be trained first."""
    desk = PostgresReplyDesk(core.commands, core.hasher, uuid.uuid4)
    return ReplyWorker(desk, recognizer(core.settings), reach=core.reach)


def model_folder(settings: Settings) -> Path:
    """Where the trained models of the offline engine are kept between starts.

    Beside the code, for all data folders of a checkout; with the data when that is not writable.
    """
    return MODELS if os.access(MODELS.parent, os.W_OK) else settings.data_dir / "recognizer"


def recognizer(settings: Settings) -> Recognizer:
    """The configured endpoint first, if there is one; the offline engine in any case.

    One sentence is heard at once: its grammars and dates are loaded by the first.
    """
    offline = OfflineRecognizer.load(model_folder(settings))
    offline.recognize(Utterance("send it on 1 March at 9", datetime(2026, 1, 1, tzinfo=UTC), "UTC"))
    if settings.openai_api_key is None and settings.openai_base_url is None:
        return offline
    from streams.recognition.openai_compatible import OpenAIRecognizer  # slow to import

    key = settings.openai_api_key
    model = OpenAIRecognizer(
        api_key=key.get_secret_value() if key else "none",
        model=settings.openai_model,
        base_url=settings.openai_base_url,
        timeout=_MODEL_TIMEOUT,
        retries=_MODEL_RETRIES,
    )
    return RecognizerChain([model, offline])

"""The model of exactly this code and data: from its file, or trained once."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from streams.recognition.corpus import TRAINING
from streams.recognition.model import Model

_CODE = (
    "authored.py",
    "corpus.py",
    "features.py",
    "learning.py",
    "lexicon.py",
    "marked.py",
    "model.py",
    "sequences.py",
    "tagger.py",
    "training_run.py",
    "wording.py",
)
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Threads win nothing on sparse data, and starve the processes that start beside this one."""
MODELS = Path(__file__).parent / "models"
"""Beside the code, which decides what a model is: where a checkout keeps its trained ones."""
_ROOT = Path(__file__).parents[2]


def fingerprint() -> str:
    """Changes whenever another model would come out."""
    digest = hashlib.sha256()
    here = Path(__file__).parent
    grammars = (path for path in (here / "slots").iterdir() if path.is_file())
    for path in (*(here / name for name in _CODE), *sorted(grammars), *sorted(TRAINING.iterdir())):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def load(folder: Path | None) -> Model:
    """The trained model. Blocks for seconds the first time, milliseconds after that.

    `folder` keeps the file between starts; without one it is trained anew each time.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as temporary:
            return _load_or_train(Path(temporary))
    folder.mkdir(parents=True, exist_ok=True)
    return _load_or_train(folder)


def _load_or_train(folder: Path) -> Model:
    path = folder / f"recognizer-{fingerprint()}.npz"
    try:
        return Model.load(path)
    except (OSError, ValueError, KeyError):
        subprocess.run(
            [sys.executable, "-m", "streams.recognition.training_run", str(path)],
            check=True,
            cwd=_ROOT,
            env=os.environ | _ONE_THREAD,
        )
        return Model.load(path)

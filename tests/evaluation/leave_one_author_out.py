"""How good the engine is on an author it never learned from, by counts only.

`python -m tests.evaluation.leave_one_author_out` trains it, for each independent author of the
training data, on all the others and measures it on that one: the guide while it is improved.
"""

from __future__ import annotations

import typer

from streams.recognition.authored import authored_sentences
from streams.recognition.corpus import TRAINING, examples
from streams.recognition.evaluation import Report, evaluate, read_labelled
from streams.recognition.marked import marked_sentences
from streams.recognition.offline import OfflineRecognizer
from streams.recognition.training_run import train


def without(author: str) -> Report:
    """What an engine that never saw this author's sentences makes of them."""
    others = [s for s in authored_sentences() if s.voice.split()[0] != author]
    engine = OfflineRecognizer(train(examples(), [*marked_sentences(), *others]))
    return evaluate(engine, read_labelled(TRAINING / f"{author}.jsonl"))


def main() -> None:
    for author in sorted({s.voice.split()[0] for s in authored_sentences()}):
        report = without(author)
        typer.echo(
            f"{author}: intents {report.right} of {report.sentences} ({report.accuracy:.1%}),"
            f" types {report.types_right} of {report.types_total},"
            f" slots F1 {report.all_slots.f1:.3f},"
            f" wrongly dangerous {sum(report.dangerous.values())}"
        )


if __name__ == "__main__":
    main()

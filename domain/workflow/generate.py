"""The workflow of a campaign: a trigger, the audience, one to five e-mails with waits between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from domain.workflow.graph import (
    Audience,
    Edge,
    End,
    Graph,
    GraphError,
    Node,
    Problem,
    Send,
    Trigger,
    TriggerKind,
    Wait,
)
from domain.workflow.rules import validate

MOST_EMAILS = 5
NO_WAIT = timedelta()


def generate(
    trigger: TriggerKind,
    delays: Sequence[timedelta],
    at: datetime | None = None,
    event: str | None = None,
    version: int = 1,
) -> Graph:
    """Build the graph of a campaign with one e-mail per delay.

    `delays[i]` is the wait before e-mail i+1, counted from the e-mail before it (the first:
    from the trigger); no time at all leaves the wait out. The same input gives the same node
    ids. Raises GraphError: no e-mail, more than five, or a trigger without its time or event.
    """
    if not 1 <= len(delays) <= MOST_EMAILS:
        detail = f"A campaign has 1 to {MOST_EMAILS} e-mails, not {len(delays)}."
        raise GraphError([Problem("email_count", None, detail)])
    nodes: tuple[Node, ...] = (
        Trigger("trigger", trigger, at, event),
        Audience("audience"),
        *_emails(delays),
        End("end"),
    )
    graph = Graph(nodes, tuple(Edge(a.id, b.id) for a, b in pairwise(nodes)), version)
    problems = validate(graph)
    if problems:
        raise GraphError(problems)
    return graph


def _emails(delays: Sequence[timedelta]) -> Iterator[Node]:
    for step, delay in enumerate(delays, start=1):
        if delay != NO_WAIT:
            yield Wait(f"wait-{step}", delay)
        yield Send(f"send-{step}", step)

#!/usr/bin/env python3
"""Checks what `nudge audit export` or `nudge audit prove` gave you, offline: one file, no imports
beyond Python's standard library (3.11 or newer; with `cryptography` signatures are checked faster).

    python verify_bundle.py BUNDLE.zip|PROOF.json [--heads KEPT.ndjson] [--public-key HEX] [--json]

Exit code 0: nothing found; 1: something found; 2: the file cannot be checked. What a check without
heads of your own does not prove stands in its notes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import itertools
import json
import struct
import sys
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

LISTED = 1_000
"""Differing events that are named one by one; all are counted."""
RECORD = 40
"""A line of leaves.bin: position (8 bytes) and leaf hash (32)."""
SIGNED_WITHIN = 1_000
"""A head is signed before so many events are in the tree without one."""
PURPOSE = b"nudge-tree-head\x00"


class UnusableError(Exception):
    """The file is damaged, or is not what it should be; the message is one line."""


class Finding(NamedTuple):
    """Something that is not as it should be. Positions are of the log; None when unknown."""

    kind: str
    """altered, missing, inserted, swapped, cut, rewritten, tree, head or proof."""
    first: int | None
    last: int | None
    detail: str


class Head(NamedTuple):
    """A signed tree head."""

    log: str
    size: int
    root: bytes
    position: int
    at: str
    key: bytes
    signature: bytes

    def signed(self) -> bytes:
        """What the signature is over."""
        text = f"NudgeCampaign tree head 1\nlog {self.log}\nsize {self.size}\n"
        text += f"root {self.root.hex()}\nposition {self.position}\nat {self.at}\n"
        return PURPOSE + text.encode()


# ---- hashes and proofs (RFC 6962, RFC 9162) -------------------------------------------------


def leaf_body(stream: str, version: int, event_type: str, value: bytes) -> bytes:
    """A leaf without its position: stream (16 bytes), version (4), type with its length, value."""
    name = event_type.encode()
    head = uuid.UUID(stream).bytes + version.to_bytes(4, "big") + len(name).to_bytes(4, "big")
    return head + name + value


def leaf_hash(position: int, body: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + position.to_bytes(8, "big") + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Growing:
    """A tree that only grows, and remembers its roots at the sizes it was asked for."""

    def __init__(self, sizes: Iterable[int]) -> None:
        self._wanted = set(sizes)
        self._peaks: list[bytes] = []
        self.size = 0
        self.roots: dict[int, bytes] = {}

    def add(self, leaf: bytes) -> None:
        """One more leaf hash."""
        left = self.size
        while left & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            left >>= 1
        self._peaks.append(leaf)
        self.size += 1
        if self.size in self._wanted:
            self.roots[self.size] = self.root()

    def root(self) -> bytes:
        """The root over all leaves."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        found = self._peaks[-1]
        for peak in self._peaks[-2::-1]:
            found = node_hash(peak, found)
        return found

    def copy(self) -> Growing:
        """The same tree, to grow apart."""
        made = Growing(self._wanted)
        made._peaks, made.size, made.roots = [*self._peaks], self.size, {**self.roots}
        return made


def root_of(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Where an inclusion proof leads; None when it has not the shape for this index and size."""
    if not 0 <= index < size:
        return None
    at, last = index, size - 1
    for beside in path:
        if last == 0:
            return None
        if at & 1 or at == last:
            leaf = node_hash(beside, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = node_hash(leaf, beside)
        at, last = at >> 1, last >> 1
    return leaf if last == 0 else None


def is_beginning(old: Head, new: Head, proof: Sequence[bytes]) -> bool:
    """Whether a consistency proof shows that the old tree is the beginning of the new one."""
    if old.size == new.size:
        return old.root == new.root and not proof
    if not 0 < old.size < new.size or not proof:
        return False
    path = list(proof) if old.size & (old.size - 1) else [old.root, *proof]
    at, last = old.size - 1, new.size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    before = after = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            before, after = node_hash(beside, before), node_hash(beside, after)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and before == old.root and after == new.root


# ---- signatures (RFC 8032) ------------------------------------------------------------------

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_Point = tuple[int, int, int, int]


def _plus(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _plus(total, point)
        point = _plus(point, point)
        scalar >>= 1
    return total


def _point(text: bytes) -> _Point | None:
    y = int.from_bytes(text, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if y >= _P or (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def signed_by(key: bytes, message: bytes, signature: bytes) -> bool:
    """Ed25519, in plain Python."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, r = _point(key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    base = _point(bytes([0x58]) + b"\x66" * 31)
    if public is None or r is None or base is None or s >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + key + message).digest()
    p = _times(s, base)
    q = _plus(r, _times(int.from_bytes(digest, "little") % _ORDER, public))
    return not ((p[0] * q[2] - q[0] * p[2]) % _P or (p[1] * q[2] - q[1] * p[2]) % _P)


def _checker() -> Callable[[bytes, bytes, bytes], bool]:
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return signed_by

    def check(key: bytes, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    return check


# ---- heads ----------------------------------------------------------------------------------


def _whole(number: Any) -> int:
    """A whole number as it stood in JSON. Raises TypeError for anything else."""
    if type(number) is not int:
        raise TypeError(f"no whole number: {number!r}")
    return number


def head_of(raw: Any) -> Head:
    """A head as it was written down. Raises UnusableError."""
    try:
        return Head(
            str(uuid.UUID(raw["log"])),
            _whole(raw["size"]),
            bytes.fromhex(raw["root"]),
            _whole(raw["position"]),
            str(raw["at"]),
            bytes.fromhex(raw["key"]),
            bytes.fromhex(raw["signature"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnusableError(f"{error!r} in {str(raw)[:80]}") from None


def heads_of(lines: Iterable[str], where: str) -> list[Head]:
    """Heads, one JSON object a line."""
    heads = []
    for number, line in enumerate(lines, 1):
        try:
            heads += [head_of(json.loads(line))] if line.strip() else []
        except (UnusableError, ValueError) as error:
            raise UnusableError(f"{where}, line {number}: not a tree head: {error}") from None
    return heads


def usable(heads: Iterable[Head], log: str, keys: set[bytes]) -> tuple[list[Head], list[Finding]]:
    """The heads that are of this log and signed by one of these keys, by size; what the others
    are. Two signed heads of one size with different roots are a finding by themselves."""
    check = _checker()
    good: dict[tuple[int, bytes], Head] = {}
    findings: list[Finding] = []
    for head in heads:
        name = f"the head of {head.size:,} events"
        if head.log != log:
            why = f"{name} is of another log, {head.log}; this one is {log}"
        elif head.key not in keys:
            why = f"{name} is signed by the key {head.key.hex()}, which is not the one expected"
        elif not check(head.key, head.signed(), head.signature):
            why = f"{name} has a signature that does not fit: it was altered"
        else:
            good[head.size, head.root] = head
            continue
        findings.append(Finding("head", None, head.position, why))
    ordered = sorted(good.values(), key=lambda head: head.size)
    for one, two in itertools.pairwise(ordered):
        if one.size == two.size:
            why = f"two different trees of {one.size:,} events were signed"
            findings.append(Finding("head", None, one.position, why))
    return ordered, findings


def trusted_keys(given: Sequence[str], kept: Sequence[Head], offered: bytes) -> set[bytes]:
    """The keys a head may be signed by: those given, else those of kept heads, else the offered."""
    try:
        return {bytes.fromhex(key) for key in given} or {head.key for head in kept} or {offered}
    except ValueError:
        raise UnusableError("--public-key: write 64 hexadecimal digits") from None


def joined(kept: Sequence[Head], own: Sequence[Head]) -> list[Head]:
    """What to judge by: kept heads, and after the newest of them what the other side gives."""
    newest = max((head.size for head in kept), default=0)
    return [*kept, *(head for head in own if head.size > newest)]


# ---- comparing a log with its tree and heads ------------------------------------------------


class Comparison:
    """Kept leaf hashes and the events themselves, walked side by side in order of position."""

    def __init__(self, heads: Sequence[Head]) -> None:
        self.heads = heads
        self.tree = Growing(head.size for head in heads)
        self.log = self.tree
        self.altered: list[tuple[int, bytes, bytes]] = []
        """Position, kept hash and body of events that do not fit."""
        self.missing: list[int] = []
        self.inserted: list[int] = []
        self.differing = 0
        self.newer = 0
        """Events behind the last kept leaf."""
        self._tail: list[int] = []
        """First and last position, and count, of leaves missing since the last event seen."""

    def run(
        self, kept: Iterator[tuple[int, bytes]], events: Iterator[tuple[int, bytes]]
    ) -> Comparison:
        """Walk (position, leaf hash) of the kept tree and (position, leaf body) of the log."""
        leaf, event = next(kept, None), next(events, None)
        while leaf or event:
            if leaf is None and event is not None:
                self._newer(event)
                event = next(events, None)
            elif leaf and event and leaf[0] == event[0]:
                self._both(leaf, event)
                leaf, event = next(kept, None), next(events, None)
            elif event and (leaf is None or event[0] < leaf[0]):
                self._only_event(event)
                event = next(events, None)
            elif leaf:
                self._only_leaf(leaf[0], leaf[1])
                leaf = next(kept, None)
        return self

    def _both(self, leaf: tuple[int, bytes], event: tuple[int, bytes]) -> None:
        found = leaf_hash(*event)
        self._tail = []
        if found == leaf[1] and self.log is self.tree:
            self.tree.add(found)
            return
        if found != leaf[1]:
            self._differ(self.altered, (*leaf, event[1]))
        self.tree.add(leaf[1])
        self.log.add(found)

    def _only_event(self, event: tuple[int, bytes]) -> None:
        self._differ(self.inserted, event[0])
        self._tail = []
        self.log.add(leaf_hash(*event))

    def _only_leaf(self, position: int, kept: bytes) -> None:
        self._differ(self.missing, position)
        first, _, count = self._tail or (position, position, 0)
        self._tail = [first, position, count + 1]
        self.tree.add(kept)

    def _newer(self, event: tuple[int, bytes]) -> None:
        self._tail = []
        self.newer += 1
        if self.log is self.tree:
            self.log = self.tree.copy()
        self.log.add(leaf_hash(*event))

    def _differ(self, where: list[Any], what: Any) -> None:
        if self.log is self.tree:
            self.log = self.tree.copy()
        self.differing += 1
        if len(where) < LISTED:
            where.append(what)

    def findings(self) -> list[Finding]:
        """What is wrong, located to the events where the kept leaf hashes are proven by the heads,
        else between two heads."""
        bad_tree = self._first_bad(self.tree)
        bad_log = self._first_bad(self.log)
        if bad_tree is None:
            return self._events(up_to=None)
        if bad_log is None:
            why = "the kept leaf hashes were altered; the log itself is what the heads say"
            return [Finding("tree", *self._range(bad_tree), why)]
        proven = [head.position for head in self.heads[:bad_tree]]
        return [*self._events(up_to=proven[-1] if proven else 0), self._between(bad_log)]

    def _first_bad(self, tree: Growing) -> int | None:
        """Index of the first head that this tree does not lead to."""
        return next(
            (
                number
                for number, head in enumerate(self.heads)
                if tree.roots.get(head.size) != head.root
            ),
            None,
        )

    def _range(self, bad: int) -> tuple[int, int]:
        before = self.heads[bad - 1].position if bad else 0
        return before + 1, self.heads[bad].position

    def _between(self, bad: int) -> Finding:
        """The history was changed together with its leaf hashes: as near as heads can say."""
        head = self.heads[bad]
        since = f"that of {self.heads[bad - 1].size:,} events" if bad else "the beginning"
        where = f"between {since} and the head of {head.size:,} events ({head.at})"
        if self.log.size < head.size:
            why = f"the log ends after {self.log.size:,} events: it was cut {where}"
            return Finding("cut", *self._range(bad), why)
        return Finding("rewritten", *self._range(bad), f"the history was rewritten {where}")

    def _events(self, up_to: int | None) -> list[Finding]:
        found = [
            Finding("swapped", one, two, f"the events at {one} and {two} were exchanged")
            for one, two in self._swapped()
        ]
        exchanged = {at for each in found for at in (each.first, each.last)}
        for position, _, _ in self.altered:
            if position not in exchanged:
                found.append(Finding("altered", position, position, "the event was altered"))
        found += [Finding("inserted", at, at, "the event was put in later") for at in self.inserted]
        since = self._tail[0] if self._tail else None
        for at in self.missing:
            if since is None or at < since:
                found.append(Finding("missing", at, at, "the event is gone"))
        if self._tail:
            first, last, count = self._tail
            why = f"the last {count:,} events are gone: the log was cut"
            found.append(Finding("cut", first, last, why))
        found = [each for each in found if up_to is None or (each.first or 0) <= up_to]
        return sorted(found, key=lambda each: each.first or 0)

    def _swapped(self) -> Iterator[tuple[int, int]]:
        """Pairs of altered events each of which fits in the other's place."""
        few = self.altered[:200]
        for number, (one, kept_one, body_one) in enumerate(few):
            for two, kept_two, body_two in few[number + 1 :]:
                if leaf_hash(two, body_one) == kept_two and leaf_hash(one, body_two) == kept_one:
                    yield one, two


# ---- bundles and proofs ---------------------------------------------------------------------


class Outcome(NamedTuple):
    """What a check found. `notes` say what it could not prove."""

    log: str
    events: int
    heads: int
    findings: list[Finding]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "ok": not self.findings,
            "log": self.log,
            "events": self.events,
            "heads": self.heads,
            "findings": [finding._asdict() for finding in self.findings],
            "notes": self.notes,
        }


_DAMAGE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, ArithmeticError, AttributeError),
    *(RuntimeError, zipfile.BadZipFile, zlib.error, struct.error),
)
"""What reading a file that somebody altered may raise."""


def check_file(path: Path, kept: Sequence[Head] | None, keys: Sequence[str]) -> Outcome:
    """Check a bundle or a proof; `kept` are heads the one who checks has. Raises UnusableError."""
    try:
        with path.open("rb") as file:
            start = file.read(1)
        if start == b"{":
            return _check_proof(_document(path.read_text()), kept, keys)
        with zipfile.ZipFile(path) as bundle:
            return _check_bundle(bundle, kept, keys)
    except _DAMAGE as error:
        raise UnusableError(f"{path.name} is damaged or no bundle: {error!r}") from None


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UnusableError(f"not JSON: {error}") from None
    if not isinstance(found, dict):
        raise UnusableError("not a JSON object")
    return found


def _check_bundle(
    bundle: zipfile.ZipFile, kept: Sequence[Head] | None, keys: Sequence[str]
) -> Outcome:
    manifest = _document(bundle.read("manifest.json").decode())
    if manifest.get("format") != "nudgecampaign-audit-1":
        raise UnusableError(f"a bundle of the unknown format {manifest.get('format')}")
    own = heads_of(bundle.read("heads.ndjson").decode().splitlines(), "heads.ndjson")
    trusted = trusted_keys(keys, kept or (), bytes.fromhex(manifest["key"]))
    good, findings = usable(joined(kept or (), own), manifest["log"], trusted)
    notes = notes_on(kept, keys, len(good))
    with bundle.open("events.ndjson") as lines:
        if manifest["kind"] == "log":
            with bundle.open("leaves.bin") as leaves:
                comparison = Comparison(good).run(
                    _leaves(leaves), (_event(line, at)[:2] for at, line in enumerate(lines, 1))
                )
            findings += comparison.findings()
            events = comparison.log.size
            more, open_ends = beyond_heads(comparison, good)
            findings += more
            notes += open_ends
        else:
            events, found = _check_organization(bundle, lines, good, kept or ())
            findings += found
            notes.append("that no event of the organization was left out is shown within a stream")
    if events != manifest["events"] and not findings:
        raise UnusableError(f"it names {manifest['events']:,} events and holds {events:,}")
    refuse_unsigned(events, good, findings)
    return Outcome(manifest["log"], events, len(good), findings, notes)


def beyond_heads(comparison: Comparison, heads: Sequence[Head]) -> tuple[list[Finding], list[str]]:
    """Findings and notes about what no head covers: the end of a log that goes on, and no more
    than that, or whoever leaves heads out could change what they cover."""
    findings, notes = [], []
    if comparison.newer:
        notes.append(f"{comparison.newer:,} events are not in the tree yet")
    covered = heads[-1].size if heads else 0
    if (left := comparison.tree.size - covered) > 0:
        notes.append(f"{left:,} events in the tree are covered by no head yet")
    if heads and left >= SIGNED_WITHIN:
        why = f"{left:,} events are behind the newest head, of {covered:,}: heads were left out"
        findings.append(Finding("head", None, heads[-1].position, why))
    return findings, notes


def refuse_unsigned(events: int, heads: Sequence[Head], findings: Sequence[Finding]) -> None:
    """Raise UnusableError for events without any head: there is nothing they could be held to."""
    if events and not heads and not findings:
        raise UnusableError(f"{events:,} events and no signed head: nothing can be proven")


def notes_on(kept: Sequence[Head] | None, keys: Sequence[str], heads: int) -> list[str]:
    """What is left open by what the one who checks brought along."""
    notes = []
    if not kept:
        notes.append("no heads of your own: a history rewritten as a whole would look the same")
        if not keys:
            notes.append("no --public-key: compare the key with the one you were given")
    if not heads:
        notes.append("no usable head: nothing here is proven")
    return notes


def _leaves(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    while record := file.read(RECORD):
        if len(record) != RECORD:
            raise UnusableError("leaves.bin ends in the middle of a leaf")
        yield int.from_bytes(record[:8], "big"), record[8:]


def _event(line: bytes | str, number: int) -> tuple[int, bytes, dict[str, Any]]:
    """Position, leaf body and the whole of an event as it was written down."""
    try:
        raw = json.loads(line)
        value = base64.b64decode(raw["bytes"], validate=True)
        body = leaf_body(raw["stream"], _whole(raw["version"]), raw["type"], value)
        return _whole(raw["position"]), body, raw
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UnusableError(f"events.ndjson, line {number}: not an event: {error!r}") from None


def _path(raw: Any) -> list[bytes]:
    try:
        return [bytes.fromhex(each) for each in raw]
    except (TypeError, ValueError):
        raise UnusableError("a proof that is no list of hashes") from None


def _check_organization(
    bundle: zipfile.ZipFile, lines: IO[bytes], heads: Sequence[Head], kept: Sequence[Head]
) -> tuple[int, list[Finding]]:
    """Events lead to the bundle's head, streams have no gap, older heads are its beginning."""
    raw = [json.loads(line) for line in bundle.read("heads.ndjson").decode().splitlines()]
    target = max((head_of(each) for each in raw), key=lambda head: head.size, default=None)
    if target is None or target not in heads:
        return 0, [Finding("head", None, None, "the head that the proofs lead to is not usable")]
    findings: list[Finding] = []
    versions: dict[str, int] = {}
    count = 0
    for number, line in enumerate(lines, 1):
        position, body, event = _event(line, number)
        path, index = _path(event.get("path")), _whole(event.get("index"))
        count += 1
        if root_of(leaf_hash(position, body), index, target.size, path) != target.root:
            why = "the event does not lead to the head: it was altered, or the proof is another's"
            findings.append(Finding("proof", position, position, why))
        before = versions.get(event["stream"], 0)
        if event["version"] != before + 1:
            why = f"stream {event['stream']} goes from version {before} to {event['version']}"
            findings.append(Finding("missing", position, position, why))
        versions[event["stream"]] = event["version"]
    proofs = {(head_of(each).size, head_of(each).root): each.get("consistency") for each in raw}
    for head in [*(each for each in heads if each != target), *(each for each in kept)]:
        findings += _ties(head, target, proofs.get((head.size, head.root)))
    return count, sorted(set(findings), key=_by_place)


def _by_place(finding: Finding) -> tuple[int, int, str, str]:
    return finding.first or 0, finding.last or 0, finding.kind, finding.detail


def _ties(head: Head, target: Head, proof: Any) -> list[Finding]:
    """Whether an older head is shown to be the beginning of the newest."""
    at = (None, head.position)
    name = f"the head of {head.size:,} events"
    if head.size > target.size:
        why = f"{name} is newer than the bundle's, of {target.size:,}: it lacks what came since"
        return [Finding("cut", target.position + 1, head.position, why)]
    if head == target or (head.size, head.root) == (target.size, target.root):
        return []
    if proof is None and head.size != target.size:
        why = f"nothing ties {name} to the bundle's: ask for an export with --heads"
        return [Finding("proof", *at, why)]
    if not is_beginning(head, target, _path(proof or [])):
        return [Finding("rewritten", *at, f"the history was rewritten since {name}")]
    return []


def _check_proof(raw: dict[str, Any], kept: Sequence[Head] | None, keys: Sequence[str]) -> Outcome:
    """A proof of `nudge audit prove` or `nudge audit consistency`."""
    if raw.get("kind") not in ("inclusion", "consistency"):
        raise UnusableError(f"neither a bundle nor a proof: its kind is {raw.get('kind')}")
    head = head_of(raw.get("head"))
    others = [head_of(raw["old"])] if raw["kind"] == "consistency" else []
    trusted = trusted_keys(keys, kept or (), head.key)
    log = kept[0].log if kept else head.log
    good, findings = usable([head, *others, *(kept or ())], log, trusted)
    path = _path(raw.get("path"))
    if raw["kind"] == "inclusion":
        position, body, _ = _event(json.dumps(raw.get("event")), 1)
        if root_of(leaf_hash(position, body), _whole(raw["index"]), head.size, path) != head.root:
            why = "the proof does not lead to its head: it is of another tree or another event"
            findings.append(Finding("proof", position, position, why))
    elif not is_beginning(others[0], head, path):
        why = f"the tree of {others[0].size:,} events is not the beginning of that of {head.size:,}"
        findings.append(Finding("proof", None, head.position, why))
    if kept and not findings and not {head, *others} & {*kept}:
        note = f"the head of {head.size:,} events is none of yours: ask for a consistency proof"
        return Outcome(log, 1, len(good), findings, [note])
    return Outcome(log, 1, len(good), findings, notes_on(kept, keys, len(good)))


# ---- the command ----------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Check what the arguments name; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("file", type=Path, help="a bundle, or a proof as JSON")
    parser.add_argument("--heads", type=Path, help="heads you kept, one JSON object a line")
    parser.add_argument("--public-key", action="append", default=[], help="64 hexadecimal digits")
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    given = parser.parse_args(arguments)
    try:
        kept = (
            heads_of(given.heads.read_text().splitlines(), str(given.heads))
            if given.heads
            else None
        )
        outcome = check_file(given.file, kept, given.public_key)
    except (UnusableError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if given.json:
        sys.stdout.write(json.dumps(outcome.as_json()) + "\n")
    else:
        sys.stdout.write("\n".join(described(outcome)) + "\n")
    return 1 if outcome.findings else 0


def described(outcome: Outcome) -> list[str]:
    """The outcome in lines for people."""
    lines = [f"{each.kind}: {_place(each)}{each.detail}" for each in outcome.findings[:100]]
    if len(outcome.findings) > len(lines):
        lines.append(f"... and {len(outcome.findings) - len(lines):,} more")
    lines += [f"note: {note}" for note in outcome.notes]
    verdict = "NOT as signed" if outcome.findings else "as signed"
    lines.append(
        f"log {outcome.log}: {outcome.events:,} events, {outcome.heads:,} heads: {verdict}"
    )
    return lines


def _place(finding: Finding) -> str:
    if finding.first is None:
        return ""
    if finding.first == finding.last:
        return f"position {finding.first}: "
    return f"positions {finding.first} to {finding.last}: "


if __name__ == "__main__":
    sys.exit(main())

"""Topics as committed files describe them, and the partition a stream's events go to."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from schemas.registry import ROOT, SchemaError


@dataclass(frozen=True, slots=True)
class Topic:
    """One reviewed topic file. `dead_letters` is the name of its dead-letter topic, if any."""

    name: str
    description: str
    key: str
    value: str
    partitions: int
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    dead_letters: str | None
    config: dict[str, str]


_REQUIRED = {
    "topic", "description", "owner", "key", "value", "partitions",
    "producers", "consumers", "dead_letter_topic", "config",
}  # fmt: skip


def load_topic(path: Path) -> Topic:
    """One topic file. Raises SchemaError that names the file and what is missing or unknown."""
    try:
        raw: dict[str, Any] = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise SchemaError(f"{path.name}: is not YAML: {error}") from error
    if set(raw) != _REQUIRED:
        raise SchemaError(f"{path.name}: wrong keys {sorted(set(raw) ^ _REQUIRED)}")
    if raw["topic"] != path.stem:
        raise SchemaError(f"{path.name}: the file is named after its topic")
    if raw["dead_letter_topic"] not in (None, f"{path.stem}-dlq"):
        raise SchemaError(f"{path.name}: its dead-letter topic is {path.stem}-dlq")
    return Topic(
        name=raw["topic"],
        description=raw["description"],
        key=raw["key"],
        value=raw["value"],
        partitions=int(raw["partitions"]),
        producers=tuple(raw["producers"]),
        consumers=tuple(raw["consumers"]),
        dead_letters=raw["dead_letter_topic"],
        config={key: str(value) for key, value in raw["config"].items()},
    )


@functools.cache
def all_topics(root: Path = ROOT) -> dict[str, Topic]:
    """Every topic by name."""
    return {path.stem: load_topic(path) for path in sorted((root / "topics").glob("*.yaml"))}


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bit, seed 0x9747b28c: the hash of Kafka's Java client and of librdkafka's
    `murmur2_random` (org.apache.kafka.common.utils.Utils.murmur2)."""
    length = len(data)
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ (k >> 24)) * m & mask)
    if length != whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def partition_of(stream_id: str, partitions: int) -> int:
    """The partition of a stream's events."""
    return (murmur2(stream_id.encode()) & 0x7FFFFFFF) % partitions

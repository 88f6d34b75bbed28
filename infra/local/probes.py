"""Ways to ask, once and cheaply, whether a server does its work."""

from __future__ import annotations

import asyncio
import ssl
import struct

import httpx
import psycopg

from infra.local.processes import Probe

_PATIENCE = 2.0
_METADATA, _VERSION = 3, 1
_TRUSTING_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Probes speak plain HTTP. Without it every probe would read all the machine's certificates: 30 ms
of processor, at a start several times in each tenth of a second."""


def http_ok(url: str) -> Probe:
    """Ready when GET of the address answers 200."""

    async def probe() -> bool:
        try:
            # The machine's proxy settings are for other machines.
            async with httpx.AsyncClient(
                trust_env=False, timeout=_PATIENCE, verify=_TRUSTING_NOBODY
            ) as client:
                return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    return probe


def postgres_answers(url: str) -> Probe:
    """Ready when a login with this address can run a statement."""

    async def probe() -> bool:
        try:
            connection = await psycopg.AsyncConnection.connect(
                url, connect_timeout=int(_PATIENCE), autocommit=True
            )
            async with connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, OSError):
            return False
        return True

    return probe


def kafka_answers(host: str, port: int) -> Probe:
    """Ready when the broker lists itself in a metadata answer, so that clients find it."""

    async def probe() -> bool:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await _count_brokers(host, port) > 0
        except (OSError, TimeoutError, asyncio.IncompleteReadError, struct.error):
            return False

    return probe


async def _count_brokers(host: str, port: int) -> int:
    """Ask for metadata of no topic, in Kafka's own protocol.

    A client library would do it too, but starts threads, and a supervisor that forks has none.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        body = struct.pack(">hhihi", _METADATA, _VERSION, 1, -1, 0)
        writer.write(struct.pack(">i", len(body)) + body)
        (size,) = struct.unpack(">i", await reader.readexactly(4))
        answer = await reader.readexactly(size)
        (brokers,) = struct.unpack_from(">i", answer, 4)
        return int(brokers)
    finally:
        writer.close()

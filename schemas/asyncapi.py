"""The AsyncAPI 3.0 document of every topic and event, made from the files that define them."""

from __future__ import annotations

from typing import Any

from schemas.registry import EventSchema, Registry, default_registry
from schemas.topics import Topic, all_topics

_BINDING = "0.5.0"
_AVRO = "application/vnd.apache.avro;version=1.9.0"
_TEXT = {"type": "string"}
_UUID = {"type": "string", "format": "uuid"}

_EVENT_HEADERS = {
    "position": {**_TEXT, "pattern": "^[0-9]+$", "description": "Place in the event log."},
    "type": {**_TEXT, "description": "The event's type."},
    "organization": {**_UUID, "description": "The tenant."},
}
_OTHER_HEADERS: dict[str, dict[str, Any]] = {
    "postmark-webhooks": {
        "organization": {**_UUID, "description": "Whose webhook credentials were presented."},
        "received_at": {**_TEXT, "description": "When it arrived."},
    },
}
_LETTER_HEADERS = {
    "origin": {**_TEXT, "description": "topic:partition:offset of the record."},
    "consumer": {**_TEXT, "description": "Who could not handle it."},
    "reason": {**_TEXT, "description": "Why."},
    "trace": {**_TEXT, "description": "Where it went wrong."},
}


def document(
    registry: Registry | None = None,
    *,
    bootstrap: str = "127.0.0.1:29092",
    registry_url: str = "http://127.0.0.1:8000/registry",
) -> dict[str, Any]:
    """The document. Topic names are without the installation's prefix."""
    registry = registry or default_registry()
    topics = all_topics(registry.root)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "NudgeCampaign events",
            "version": "1",
            "description": "Everything that was decided, in order within each stream. "
            "Fields marked pii are sealed: encrypted under the key of one person or organization.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/vnd.apache.avro",
        "servers": {"kafka": _server(bootstrap, registry_url)},
        "channels": _channels(topics, registry),
        "operations": _operations(topics),
        "components": {"messages": _messages(topics, registry)},
    }


def _server(bootstrap: str, registry_url: str) -> dict[str, Any]:
    return {
        "host": bootstrap,
        "protocol": "kafka",
        "description": "Consume with isolation.level=read_committed.",
        "bindings": {
            "kafka": {
                "schemaRegistryUrl": registry_url,
                "schemaRegistryVendor": "confluent",
                "bindingVersion": _BINDING,
            }
        },
    }


def _message_names(topic: Topic, registry: Registry) -> list[str]:
    """Every version of every event type of the topic; one raw message for other topics."""
    types = sorted(registry.topics.get(topic.name, []))
    named = [f"{kind}.v{schema.version}" for kind in types for schema in registry.versions[kind]]
    return named or [topic.name]


def _channels(topics: dict[str, Topic], registry: Registry) -> dict[str, Any]:
    channels: dict[str, Any] = {}
    for topic in topics.values():
        names = _message_names(topic, registry)
        channels[topic.name] = _channel(topic, topic.name, topic.description, names)
        if topic.dead_letters:
            description = f"Records of {topic.name} that could not be handled, and why."
            channels[topic.dead_letters] = _channel(
                topic, topic.dead_letters, description, [topic.dead_letters]
            )
    return channels


def _channel(topic: Topic, name: str, description: str, messages: list[str]) -> dict[str, Any]:
    return {
        "address": name,
        "description": description,
        "servers": [{"$ref": "#/servers/kafka"}],
        "messages": {m: {"$ref": f"#/components/messages/{m}"} for m in messages},
        "bindings": {
            "kafka": {
                "topic": name,
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic.config),
                "bindingVersion": _BINDING,
            }
        },
    }


def _configuration(config: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in config.items():
        if name == "cleanup.policy":
            found[name] = value.split(",")
        else:
            found[name] = int(value) if value.lstrip("-").isdigit() else value
    return found


def _operations(topics: dict[str, Topic]) -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for topic in topics.values():
        for verb, roles in (("send", topic.producers), ("receive", topic.consumers)):
            for role in roles:
                operations[f"{role}-{verb}s-{topic.name}"] = {
                    "action": verb,
                    "channel": {"$ref": f"#/channels/{topic.name}"},
                    "summary": f"The role {role} {verb}s {topic.name}.",
                }
    return operations


def _messages(topics: dict[str, Topic], registry: Registry) -> dict[str, Any]:
    messages: dict[str, Any] = {}
    for schema in sorted(registry.by_id.values(), key=lambda s: (s.type, s.version)):
        messages[f"{schema.type}.v{schema.version}"] = _event_message(schema)
    for topic in topics.values():
        if topic.name not in registry.topics:
            messages[topic.name] = _raw_message(
                topic.name, topic.description, topic.key, _OTHER_HEADERS.get(topic.name, {})
            )
        if topic.dead_letters:
            messages[topic.dead_letters] = _raw_message(
                topic.dead_letters,
                "The original bytes and headers of the record, with what went wrong.",
                "topic:partition:offset of the record",
                _LETTER_HEADERS,
            )
    return messages


def _event_message(schema: EventSchema) -> dict[str, Any]:
    headers = {**_EVENT_HEADERS, "type": {**_EVENT_HEADERS["type"], "const": schema.type}}
    return {
        "name": schema.type,
        "title": f"{schema.type}, version {schema.version}",
        "summary": schema.definition["doc"],
        "contentType": "application/vnd.apache.avro",
        "headers": {"type": "object", "properties": headers, "required": sorted(headers)},
        "payload": {"schemaFormat": _AVRO, "schema": schema.definition},
        "bindings": {
            "kafka": {
                "key": {**_UUID, "description": "The stream id."},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "4",
                "schemaLookupStrategy": "RecordNameStrategy",
                "bindingVersion": _BINDING,
            }
        },
        "x-schema-id": schema.schema_id,
        "x-subject": schema.subject,
    }


def _raw_message(name: str, summary: str, key: str, headers: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "summary": summary,
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": headers},
        "payload": {"type": "string", "format": "binary"},
        "bindings": {"kafka": {"key": {**_TEXT, "description": key}, "bindingVersion": _BINDING}},
    }

"""Generates the JSON Schema of each message, and AsyncAPI 3 of the topics, from schemas/.

A topic that only Seedcast's own processes use is in neither: its messages may change.
"""

import json
from typing import Any

import msgspec

from seedcast.schemas.messages import (
    Campaign,
    RawAudio,
    Rejected,
    SpeechRequest,
    SpeechResult,
    Worker,
)
from seedcast.schemas.topics import CURSORS, TOPICS, Topic

MESSAGES = {
    struct.__name__: struct
    for struct in (SpeechRequest, RawAudio, Rejected, SpeechResult, Campaign, Worker)
}
INTERNAL = {CURSORS}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """Return the text of each document, by its path below docs/."""
    schemas = {f"schemas/{name}.json": _dump(schema(name)) for name in MESSAGES}
    return {**schemas, "asyncapi.json": _dump(asyncapi())}


def schema(name: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "title": name, **msgspec.json.schema(MESSAGES[name])}


def asyncapi() -> dict[str, Any]:
    _, components = msgspec.json.schema_components(
        MESSAGES.values(), ref_template="#/components/schemas/{name}"
    )
    messages = {
        name: {
            "name": name,
            "contentType": content_type(name),
            "payload": {"$ref": f"#/components/schemas/{name}"},
        }
        for name in MESSAGES
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Seedcast", "version": "1", "license": {"name": "AGPL-3.0-or-later"}},
        "channels": {topic.name: _channel(topic) for topic in TOPICS if topic not in INTERNAL},
        "operations": {
            "submit": {
                "action": "receive",
                "channel": {"$ref": "#/channels/requests"},
                "summary": "Ask for speech",
            },
            "result": {
                "action": "send",
                "channel": {"$ref": "#/channels/results"},
                "summary": "How each request ended",
            },
        },
        "components": {"schemas": components, "messages": messages},
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": "{prefix}." + topic.name,
        "parameters": {"prefix": {"default": "seedcast"}},
        "description": f"{topic.what}; key: {topic.key}; value: {topic.value}",
        "messages": {
            name: {"$ref": f"#/components/messages/{name}"}
            for name in MESSAGES
            if name in topic.value
        },
        "bindings": {"kafka": {"topicConfiguration": topic.config()}},
    }


def content_type(name: str) -> str:
    return "application/msgpack" if name in ("RawAudio", "Rejected") else "application/json"


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

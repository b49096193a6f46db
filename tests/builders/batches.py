"""Files of batches, and a client that waits for their end."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import openai
from openai.types import Batch

from seedcast.settings import Settings
from tests.builders import processes
from tests.builders.deployments import environment
from tests.builders.processes import ForkedProcess
from tests.builders.waiting import eventually

URL = "/v1/audio/speech"
TEXT = "Your order leaves today."
ENDS = ("failed", "completed", "expired", "cancelled")


WORKERS = {  # what speaks a batch, beside a gateway
    "gpu-consumer": ["run", "gpu-consumer", "--engine", "echo"],
    "postprocess": ["run", "postprocess"],
    "indexer": ["run", "indexer"],
    "feeder": ["run", "feeder"],
}


@contextmanager
def workers(settings: Settings, folder: Path) -> Iterator[dict[str, ForkedProcess]]:
    """Yield the workers of a whole deployment; they are killed at the end."""
    with ExitStack() as opened:
        started = {}
        for name, command in WORKERS.items():
            log = folder / f"{name}.log"
            started[name] = process = processes.start(command, environment(settings), log)
            opened.callback(process.wait)
            opened.callback(process.kill)
        yield started


def line(custom_id: str, **body: object) -> dict[str, object]:
    spoken = {"model": "tts-1", "input": TEXT, "voice": "2222"} | body
    return {"custom_id": custom_id, "method": "POST", "url": URL, "body": spoken}


def file_of(*lines: dict[str, object] | bytes) -> bytes:
    return b"\n".join(
        each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines
    )


def begin(client: openai.OpenAI, *lines: dict[str, object] | bytes, window: str = "24h") -> Batch:
    """Upload the lines, and make a batch of them."""
    file = client.files.create(file=("batch.jsonl", file_of(*lines)), purpose="batch")
    return client.batches.create(
        input_file_id=file.id,
        endpoint=URL,  # type: ignore[arg-type]
        completion_window=window,  # type: ignore[arg-type]
        metadata={"night": "1"},
    )


def until(client: openai.OpenAI, batch: Batch, *statuses: str) -> Batch:
    """Wait until the batch has one of the statuses; return it then."""
    found = [batch]

    def is_there() -> bool:
        found.append(client.batches.retrieve(batch.id))
        return found[-1].status in statuses

    eventually(is_there, what=f"{statuses} of {batch.id}")
    return found[-1]


def lines_of(client: openai.OpenAI, file_id: str | None) -> list[dict[str, object]]:
    assert file_id
    content = client.files.content(file_id).read()
    return [json.loads(each) for each in content.splitlines()]

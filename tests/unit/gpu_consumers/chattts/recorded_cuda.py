"""Stands in for torch.cuda's streams, events and graphs on a machine without a device.

It notes their calls in order. A graph replays the operations that torch performed while it was
captured, on the same tensors, as a device's graph does.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class RecordedEvent:
    def __init__(self, cuda: "RecordedCuda", name: str) -> None:
        self._cuda, self._name = cuda, name

    def __str__(self) -> str:
        return self._name

    def synchronize(self) -> None:
        self._cuda.log.append(f"host waits for {self}")


class RecordedStream:
    def __init__(self, cuda: "RecordedCuda", name: str) -> None:
        self._cuda, self._name, self._events = cuda, name, 0
        self.device = torch.device("cuda")

    def __str__(self) -> str:
        return self._name

    def record_event(self) -> RecordedEvent:
        self._events += 1
        event = RecordedEvent(self._cuda, f"event {self._events} of {self}")
        self._cuda.log.append(f"{self} records {event}")
        return event

    def wait_event(self, event: RecordedEvent) -> None:
        self._cuda.log.append(f"{self} waits for {event}")

    def wait_stream(self, other: "RecordedStream") -> None:
        self._cuda.log.append(f"{self} waits for {other}")


class Tape(TorchDispatchMode):
    """Notes each operation with its arguments and its results."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]]()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        named = dict(kwargs or {})
        result = function(*args, **named)
        self.calls.append((function, args, named, result))
        return result

    @property
    def names(self) -> list[str]:
        return [function.overloadpacket.__name__ for function, *_ in self.calls]


class RecordedGraph:
    def __init__(self, cuda: "RecordedCuda") -> None:
        self._cuda, self.tape = cuda, Tape()

    def replay(self) -> None:
        self._cuda.log.append(f"{self._cuda.current} replays a graph")
        for function, args, kwargs, captured in self.tape.calls:
            results = tree_leaves(function(*args, **kwargs))
            for old, new in zip(tree_leaves(captured), results, strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class RecordedCuda:
    """What replaces the functions of torch.cuda, and the log of their calls."""

    def __init__(self) -> None:
        self.log = list[str]()
        self.current = RecordedStream(self, "main stream")
        self.graphs = list[RecordedGraph]()
        self._streams = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        replaced = {
            "Stream": self._new_stream,
            "stream": self._in_stream,
            "current_stream": lambda *_: self.current,
            "CUDAGraph": self._new_graph,
            "graph": self._capture,
            "graph_pool_handle": lambda: "pool",
        }
        for name, function in replaced.items():
            monkeypatch.setattr(torch.cuda, name, function)

        def keep(_tensor: Tensor, stream: RecordedStream) -> None:
            self.log.append(f"kept for {stream}")

        monkeypatch.setattr(Tensor, "record_stream", keep)

    def _new_stream(self, *_device: torch.device) -> RecordedStream:
        self._streams += 1
        self.log.append(f"makes stream {self._streams}")
        return RecordedStream(self, f"stream {self._streams}")

    @contextmanager
    def _in_stream(self, stream: RecordedStream) -> Iterator[None]:
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before

    def _new_graph(self) -> RecordedGraph:
        self.graphs.append(RecordedGraph(self))
        return self.graphs[-1]

    @contextmanager
    def _capture(
        self, graph: RecordedGraph, *, pool: object, stream: RecordedStream
    ) -> Iterator[None]:
        self.log.append(f"{stream} captures in {pool}")
        with self._in_stream(stream), graph.tape:
            yield

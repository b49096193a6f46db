"""When the vocoder works: in turn with the steps on a CPU, whose cores both want, and beside them on a device."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import torch
from torch import Tensor

from gpu_consumers.engines.chattts.model.dimensions import Samples


class Decodes(Protocol):
    """`Vocoder`."""

    def decode(self, hidden: Tensor) -> Samples: ...


class Vocoding(Protocol):
    def submit(self, hidden: Tensor) -> "Future[Samples]":
        """Hidden states (tokens, hidden), which nobody alters from now on, to samples, as `Vocoder.decode`."""

    def close(self) -> None: ...


class SyncVocoder:
    def __init__(self, vocoder: Decodes) -> None:
        self._vocoder = vocoder

    def submit(self, hidden: Tensor) -> "Future[Samples]":
        done: Future[Samples] = Future()
        done.set_result(self._vocoder.decode(hidden))
        return done

    def close(self) -> None:
        pass


class AsyncVocoder:
    """One thread, and on a CUDA device a stream of its own: one utterance after the other, each alone, as in turn."""

    def __init__(self, vocoder: Decodes, device: torch.device) -> None:
        self._vocoder, self._thread = vocoder, ThreadPoolExecutor(1, "vocoder")
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def submit(self, hidden: Tensor) -> "Future[Samples]":
        if self._stream is None:
            return self._thread.submit(self._decode, hidden)
        written = torch.cuda.current_stream(self._stream.device).record_event()
        hidden.record_stream(
            self._stream
        )  # its memory is not given to others before this stream has read it
        return self._thread.submit(self._after, written, hidden, self._stream)

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _after(
        self, written: torch.cuda.Event, hidden: Tensor, stream: torch.cuda.Stream
    ) -> Samples:
        with torch.cuda.stream(stream):
            stream.wait_event(written)
            return self._decode(hidden)

    @torch.inference_mode()  # which is a thread's own
    def _decode(self, hidden: Tensor) -> Samples:
        return self._vocoder.decode(hidden)

"""When the vocoder works: between the steps on a CPU, beside the steps on a device.

On a CPU the vocoder and the steps would compete for the same cores. On a device the vocoder runs
in its own thread and CUDA stream.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import torch
from torch import Tensor

from seedcast.gpu_consumers.engines.chattts.model.dimensions import Samples


class WaveformDecoder(Protocol):
    """What both executors need of `model.vocoder.Vocoder`."""

    def decode(self, hidden: Tensor) -> Samples: ...


class VocoderExecutor(Protocol):
    """Runs the vocoder on one utterance after the other."""

    def submit(self, hidden: Tensor) -> "Future[Samples]":
        """Decode hidden states (tokens, hidden) to samples, as `Vocoder.decode` does.

        The caller does not alter `hidden` afterwards.
        """

    def close(self) -> None: ...


class SyncVocoder:
    """Decodes inside `submit`."""

    def __init__(self, vocoder: WaveformDecoder) -> None:
        self._vocoder = vocoder

    def submit(self, hidden: Tensor) -> "Future[Samples]":
        done: Future[Samples] = Future()
        done.set_result(self._vocoder.decode(hidden))
        return done

    def close(self) -> None:
        pass


class AsyncVocoder:
    """Decodes in one thread, on a CUDA device in a stream of its own.

    Each utterance is decoded alone, as SyncVocoder does, so both give the same samples.
    """

    def __init__(self, vocoder: WaveformDecoder, device: torch.device) -> None:
        self._vocoder, self._thread = vocoder, ThreadPoolExecutor(1, "vocoder")
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def submit(self, hidden: Tensor) -> "Future[Samples]":
        if self._stream is None:
            return self._thread.submit(self._decode, hidden)
        written = torch.cuda.current_stream(self._stream.device).record_event()
        hidden.record_stream(self._stream)  # its memory is not reused before this stream reads it
        return self._thread.submit(self._decode_after, written, hidden, self._stream)

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    def _decode_after(
        self, written: torch.cuda.Event, hidden: Tensor, stream: torch.cuda.Stream
    ) -> Samples:
        with torch.cuda.stream(stream):
            stream.wait_event(written)
            return self._decode(hidden)

    @torch.inference_mode()  # a thread has an inference mode of its own
    def _decode(self, hidden: Tensor) -> Samples:
        return self._vocoder.decode(hidden)

"""The engine's work on a CUDA device, on fake tensors: devices, copies, waits, and kernels.

What is counted are operations of torch that are not views; nearly each of them is one kernel.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import unset_fake_temporarily

from seedcast.gpu_consumers.engines.chattts.async_vocoder import AsyncVocoder
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.model.dimensions import CODEBOOKS, TINY, Samples
from seedcast.gpu_consumers.engines.chattts.model.slots import STATUS, Generation
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import mixed
from tests.unit.gpu_consumers.chattts.fake_device import CUDA, FakeDevice
from tests.unit.gpu_consumers.chattts.recorded_cuda import RecordedCuda, Tape

SLOTS = 8


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    return FakeDevice(monkeypatch)


@pytest.fixture
def made(tiny: Assets, cuda: RecordedCuda, device: FakeDevice) -> Iterator[ChatTTSEngine]:
    with device.mode, torch.inference_mode():
        yield device.load(tiny, "bfloat16", SLOTS)


def computed(tape: Tape) -> list[str]:
    """Return the names of operations that write memory of the device."""
    return [
        function.overloadpacket.__name__
        for function, _, _, result in tape.calls
        if isinstance(result, Tensor) and result.device == CUDA and not function.is_view
    ]


def copies(tape: Tape, source: str, target: str) -> Iterator[tuple[Tensor, bool]]:
    """Yield what is copied from one kind of device to another, and if the host does not wait."""
    for function, arguments, named, result in tape.calls:
        name = function.overloadpacket.__name__
        if name in ("to", "_to_copy", "copy_"):
            copied = arguments[1] if name == "copy_" else arguments[0]
            if (copied.device.type, result.device.type) == (source, target):
                yield copied, True in (named.get("non_blocking"), *arguments[2:])


def generations(made: ChatTTSEngine, count: int) -> dict[int, Generation]:
    with unset_fake_temporarily():  # prompts and voices are made on the host
        for ticket, request in enumerate(mixed(count)):
            made.admit(ticket, request)
    return dict(enumerate(waiting.generation for waiting in made._waiting[:count]))


@pytest.mark.sample(1)
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_an_engine_loads_and_steps_on_one_device(
    tiny: Assets, cuda: RecordedCuda, device: FakeDevice, precision: str
) -> None:
    """Loading captures both steps, and only then starts the vocoder's thread."""
    with device.mode, torch.inference_mode():
        made = device.load(tiny, precision, SLOTS)
    assert isinstance(made._vocoder, AsyncVocoder)
    captures = [n for n, line in enumerate(cuda.log) if line.endswith("captures in pool")]
    assert len(captures) == 2
    first = cuda.log.index("makes stream 3")
    assert captures[-1] < first
    assert cuda.log[-1] == "stream 3 waits for event 1 of main stream"


def test_any_number_of_generations_enters_by_one_copy_and_one_kernel(
    made: ChatTTSEngine, device: FakeDevice, cuda: RecordedCuda
) -> None:
    entering = generations(made, SLOTS)
    with Tape() as tape:
        made._slots.enter(entering)
    ((copied, at_once),) = copies(tape, "cpu", "cuda")
    assert (len(copied), at_once) == (SLOTS, True)
    assert any(copied is pinned for pinned in device.pinned)
    assert computed(tape) == ["index_copy_"]
    assert cuda.log[-1] == "main stream waits for stream 1"  # which may read what was there before


def test_a_look_is_one_copy_that_the_host_waits_for_when_it_reads(
    made: ChatTTSEngine, cuda: RecordedCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda.log.clear()
    with Tape() as tape:
        look = made._slots.look()
    ((copied, at_once),) = copies(tape, "cuda", "cpu")
    assert (copied.shape, at_once) == ((SLOTS, STATUS.itemsize), True)
    (made_on_host,) = (named for function, _, named, _ in tape.calls if "pin_memory" in named)
    assert made_on_host["pin_memory"]
    assert cuda.log == ["main stream records event 2 of main stream"]
    look._bytes = torch.zeros(1)  # a fake tensor has no bytes to read
    monkeypatch.setattr(Tensor, "numpy", lambda _: cuda.log.append("reads") or _ZEROS)
    look.read()
    assert cuda.log[1:] == ["host waits for event 2 of main stream", "reads"]


_ZEROS = np.zeros((SLOTS, STATUS.itemsize), np.uint8)


def test_a_slot_is_left_without_a_copy_from_or_to_the_host(
    made: ChatTTSEngine, cuda: RecordedCuda
) -> None:
    look, status = made._slots.look(), np.zeros(SLOTS, STATUS)
    status["drawn"], status["ended"] = 20, True
    cuda.log.clear()
    with Tape() as tape, made._slots.reading(look):
        output = made._slots.leave(3, status[3])
        assert str(cuda.current) == "stream 1"
    assert cuda.log == ["stream 1 waits for event 2 of main stream"]  # and for no later step
    assert (output.hidden.shape, output.tokens.shape) == ((19, TINY.hidden), (19, CODEBOOKS))
    assert (output.hidden.device, output.ended) == (CUDA, True)
    assert not [*copies(tape, "cpu", "cuda"), *copies(tape, "cuda", "cpu")]
    assert computed(tape) == ["clone", "clone"]


@pytest.mark.parametrize(
    ("refining", "most"), [(False, 395), pytest.param(True, 635, marks=pytest.mark.slow)]
)
def test_a_step_copies_nothing_and_launches_no_more_kernels_than_it_did(
    made: ChatTTSEngine, refining: bool, most: int
) -> None:
    """Raise a number only knowingly: a kernel costs 2 to 5 microseconds of each step."""
    with Tape() as tape:
        made._model.eager.step(made._slots, refining)
    assert not [*copies(tape, "cpu", "cuda"), *copies(tape, "cuda", "cpu")]
    assert len(computed(tape)) <= most


def test_the_vocoder_works_on_the_device(made: ChatTTSEngine) -> None:
    assert isinstance(made._vocoder, AsyncVocoder)
    vocoder = made._vocoder._vocoder
    with Tape() as tape:
        mel = vocoder._decoder(torch.zeros(1, TINY.hidden, 20, device=CUDA))
        samples = vocoder._vocos.decode(mel)
    assert (samples.shape, samples.device) == ((1, 512 * 20 - 256), CUDA)
    assert not list(copies(tape, "cpu", "cuda"))


def test_the_vocoder_waits_for_what_it_reads(cuda: RecordedCuda) -> None:
    """Its stream waits for the steps; their memory is not given away before it has been read."""

    class Logging:
        def decode(self, hidden: Tensor) -> Samples:
            cuda.log.append(f"decodes in {cuda.current}")
            return hidden.numpy()[0]

    executor = AsyncVocoder(Logging(), CUDA)
    executor.submit(torch.zeros(2, TINY.hidden)).result()
    executor.close()
    assert cuda.log == [
        "makes stream 1",
        "main stream records event 1 of main stream",
        "kept for stream 1",
        "stream 1 waits for event 1 of main stream",
        "decodes in stream 1",
    ]

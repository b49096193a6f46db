"""An engine on a CUDA device that is not there: torch's fake tensors have shapes and no values.

What mixes devices, or needs a value on the host, raises. Alignment, memory and captures are not
checked.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ChatTTS.model.dvae
import ChatTTS.model.embed
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily

from seedcast.gpu_consumers.engines.chattts import load as loading
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine
from seedcast.gpu_consumers.engines.chattts.hardware import Hardware
from seedcast.gpu_consumers.engines.chattts.kernels import attention_cuda, row_invariance
from seedcast.gpu_consumers.engines.chattts.model import upstream_modules, vocoder
from seedcast.gpu_consumers.engines.chattts.model.tokenizer import Prompter
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from seedcast.gpu_consumers.text import FrontEnd

CUDA = torch.device("cuda", 0)


def attend(
    query: Tensor, key: Tensor, value: Tensor, keys: Tensor, values: Tensor, position: Tensor
) -> Tensor:
    """Take what the Triton attention takes: fake tensors have no memory that it could read."""
    assert {tensor.device for tensor in (query, key, value, keys, values, position)} == {CUDA}
    assert all(tensor.stride(-1) == 1 for tensor in (query, key, value))
    assert keys.is_contiguous()
    assert values.is_contiguous()
    return torch.empty_like(query, memory_format=torch.contiguous_format)


class FakeDevice:
    """The mode in which tensors are fake, and the functions of torch that it needs replaced."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mode = FakeTensorMode(allow_non_fake_inputs=False)
        self.pinned = list[Tensor]()  # what is to be copied while the host goes on
        for module in (ChatTTS.model.embed, ChatTTS.model.dvae):
            monkeypatch.setattr(module, "load_safetensors", self._read)
        for module in (loading, vocoder):
            monkeypatch.setattr(module, "load_file", self._read)
        for name in ("embed", "decoder", "vocos"):
            made = self._without_values(getattr(upstream_modules, name))
            monkeypatch.setattr(upstream_modules, name, made)
        monkeypatch.setattr(nn.Module, "to", _move)
        monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: self._pin(tensor))
        # A fake tensor has no samples.
        monkeypatch.setattr(vocoder.Vocoder, "decode", lambda *_: np.zeros(0, np.float32))
        monkeypatch.setattr(attention_cuda, "attend", attend)
        # The probe compares values. On a device it runs; so does tests/gpu.
        monkeypatch.setattr(row_invariance, "is_row_invariant", lambda *_: True)

    def load(self, assets: Assets, precision: str, slots: int) -> ChatTTSEngine:
        prompter = Prompter(assets.tokenizer)
        hardware = Hardware(CUDA, precision, slots, context=512, threads=1)
        return loading.build(
            assets,
            hardware,
            prompter,
            FrontEnd(prompter.knows, longest=loading.LONGEST_SEGMENT),
            facts={"engine": "fake"},
            description="fake",
        )

    def _read(self, path: str | Path) -> dict[str, Tensor]:
        with unset_fake_temporarily():
            tensors = load_file(path)
        return {name: self.mode.from_tensor(tensor) for name, tensor in tensors.items()}

    def _pin(self, tensor: Tensor) -> Tensor:
        self.pinned.append(tensor.clone())
        return self.pinned[-1]

    def _without_values(self, make: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
        def made(*arguments: Any) -> nn.Module:
            with unset_fake_temporarily():
                module = make(*arguments)
            return _replaced(module, self.mode.from_tensor)

        return made


def _move(module: nn.Module, device: torch.device) -> nn.Module:
    """Do what `Module.to` does, which cannot replace fake parameters (torch 2.11)."""
    return _replaced(module, lambda tensor: tensor.to(device))


def _replaced(module: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                changed = change(parameter).detach()
                part._parameters[name] = nn.Parameter(changed, requires_grad=False)
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = change(buffer)
    return module

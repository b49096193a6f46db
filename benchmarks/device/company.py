"""Part 5: at full size, a request's bytes do not depend on its company."""

import random
from contextlib import closing
from typing import Any

import torch

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.speech import requests, speak
from seedcast.gpu_consumers.engines.chattts.engine import ChatTTSEngine

SLOTS = 256  # and as many requests, so that each slot speaks


def compare(setting: Setting) -> Findings:
    count = setting.either(SLOTS, 8)
    requested, alike = requests(count), dict[str, bool]()
    setting.figures["alike"] = alike
    shuffled = random.Random(1).sample(range(count), count)
    few = shuffled[:3]
    with closing(setting.engine(setting.models, "bfloat16", count)) as made:
        expected = speak(made, requested)
        alike["shuffled"] = speak(made, requested, shuffled) == expected
        alike["alone"] = speak(made, requested, few, at_once=1) == {n: expected[n] for n in few}
        spoil(made)
        alike["beside garbage"] = speak(made, requested, shuffled) == expected
    with closing(setting.engine(setting.models, "bfloat16", count)) as other:
        alike["by another engine"] = speak(other, requested) == expected
        alike["same fingerprint"] = other.fingerprint == made.fingerprint
    spoken = [outcome for outcome in expected.values() if " " in outcome]
    holds = all(alike.values()) and len(set(spoken)) > count // 2  # else equality shows nothing
    failed = [name for name, held in alike.items() if not held]
    setting.figures["spoken"] = len(spoken)
    return Findings(
        f"{len(spoken)} of {count} spoken; differing: {', '.join(failed) or 'none'}", holds
    )


@torch.inference_mode()
def spoil(made: ChatTTSEngine) -> None:
    """Fill the caches and histories of all slots with what nobody may read."""
    model: Any = getattr(made._model, "eager", made._model)
    for layer in model._decoder.layers:
        for cache in (layer.keys, layer.values):
            cache.fill_(float("nan"))
    made._slots.hidden.fill_(float("nan"))

"""Part 4: both graphs of a step compute what the steps themselves compute, bit for bit."""

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.speech import requests, speak
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel


def compare(setting: Setting) -> Findings:
    """Compare in every precision, at tiny size. A CPU has no graphs: it compares two engines."""
    requested = requests(setting.either(24, 6))
    alike: dict[str, object] = {}
    for precision in setting.precisions:
        captured, eager = (setting.engine(setting.tiny_models, precision, 16) for _ in range(2))
        if isinstance(eager._model, CapturedModel):
            eager._model = eager._model.eager
        alike[precision] = speak(captured, requested) == speak(eager, requested)
        captured.close()
        eager.close()
    holds = all(alike.values())
    return Findings("graph = eager" if holds else f"graph = eager: {alike}", holds, alike)

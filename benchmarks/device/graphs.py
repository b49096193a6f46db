"""Part 4: both graphs of a step compute what the steps themselves compute, bit for bit."""

from contextlib import closing

from benchmarks.device.setting import Findings, Setting
from benchmarks.device.speech import requests, speak
from seedcast.gpu_consumers.engines.chattts.kernels.cuda_graph import CapturedModel


def compare(setting: Setting) -> Findings:
    """Compare in every precision, at tiny size. A CPU has no graphs: it compares two engines."""
    requested = requests(setting.either(24, 6))
    alike, spoken = dict[str, bool](), dict[str, int]()
    for precision in setting.precisions:
        with closing(setting.engine(setting.tiny_models, precision, 16)) as captured:
            outcomes = speak(captured, requested)
        with closing(setting.engine(setting.tiny_models, precision, 16)) as eager:
            if isinstance(eager._model, CapturedModel):
                eager._model = eager._model.eager
            alike[precision] = speak(eager, requested) == outcomes
        spoken[precision] = sum(" " in outcome for outcome in outcomes.values())
    # Where nothing is spoken, equality shows nothing.
    holds = all(alike.values()) and min(spoken.values()) > len(requested) // 2
    setting.figures |= {"alike": alike, "spoken": spoken}
    return Findings(f"graph = eager: {alike}, spoken: {spoken}", holds)

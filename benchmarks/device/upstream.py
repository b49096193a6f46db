"""Part 9: upstream's `Chat.infer` on the same weights and device, at equal lengths."""

from dataclasses import asdict

from benchmarks.chattts import upstream
from benchmarks.device.setting import Findings, Setting


def measure(setting: Setting) -> Findings:
    runs = upstream.measure(setting.plan(), list(setting.either((16, 64), (2,))), [])
    listed = ", ".join(f"{run.audio_per_second:g} at batch {run.batch}" for run in runs)
    return Findings(f"audio s/s: {listed}", figures={"runs": [asdict(run) for run in runs]})

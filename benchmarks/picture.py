"""Makes the picture of `inspect` in the documentation: `python -m benchmarks.picture`.

The clip is espeak's speech in pink noise, with the noise alone before and after it.
"""

import tempfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.audio.corpus import TEXTS
from benchmarks.audio.noises import mix, steady
from seedcast.gpu_consumers.engines.espeak.engine import spoken
from seedcast.gpu_consumers.engines.espeak.process import SAMPLE_RATE
from seedcast.settings import Settings
from seedcast.stream_apps.audio.samples import from_int16
from seedcast.stream_apps.inspect.find import inspect_file
from seedcast.stream_apps.inspect.picture import save

OUT = Path(__file__).parent / "results" / "inspect.png"
LEAD, TAIL = 0.6, 0.8  # seconds


def main() -> None:
    speech = from_int16(spoken(TEXTS[0], seed=0)) / np.float32(3)
    clean = np.pad(speech, (round(LEAD * SAMPLE_RATE), round(TAIL * SAMPLE_RATE)))
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "noisy-notification.wav"
        noisy = mix(clean, steady(len(clean), 0, pink=True))
        soundfile.write(clip, noisy, SAMPLE_RATE, subtype="PCM_16")
        save(inspect_file(Settings(home=Path(folder)), clip, "phone"), OUT)


if __name__ == "__main__":
    main()

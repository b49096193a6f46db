"""No variable of the environment changes the bytes of a waveform without changing the fingerprint.

Each is set in a process of its own, because libraries read them when they are loaded.
"""

import os
import subprocess
import sys
from functools import cache

import pytest

from seedcast.gpu_consumers.engines.chattts.variables import numeric_variables
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets

CODE = """
import sys
from pathlib import Path
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets
from tests.unit.gpu_consumers.chattts.company import engine, mixed, speak

made = engine(Assets.open(Path(sys.argv[1])), threads=2, slots=16)
print("spoken", made.fingerprint, sorted(speak(made, mixed(8)).items()))
"""
VARIABLES = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "AVX2",
    "GOMP_SPINCOUNT": "0",
    "KMP_BLOCKTIME": "0",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_NUM_THREADS": "1",
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_SCHEDULE": "dynamic",
    "OMP_THREAD_LIMIT": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TORCH_LOGS": "+dynamo",
}


@cache
def spoken(folder: str, **variables: str) -> tuple[str, str]:
    """Return the fingerprint, and the outcomes of some requests in a fresh process."""
    numeric = numeric_variables()
    inherited = {name: value for name, value in os.environ.items() if name not in numeric}
    command = [sys.executable, "-c", CODE, folder]
    done = subprocess.run(
        command, env=inherited | variables, capture_output=True, text=True, check=True
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("spoken ")]
    _, fingerprint, outcomes = line.split(" ", 2)
    return fingerprint, outcomes


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIABLES)
def test_other_bytes_have_another_fingerprint(tiny: Assets, name: str) -> None:
    folder = str(tiny.folder)
    fingerprint, outcomes = spoken(folder)
    other, others = spoken(folder, **{name: VARIABLES[name]})
    assert (others == outcomes) or (other != fingerprint)

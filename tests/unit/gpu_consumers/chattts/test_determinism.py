"""The settings under which a CUDA device repeats its bits, as far as they show without one."""

import json
import subprocess
import sys

from seedcast.gpu_consumers.engines.chattts.kernels.determinism import ENVIRONMENT

CODE = """
import json, os
import torch
from seedcast.gpu_consumers.engines.chattts.kernels.determinism import ENVIRONMENT, make_repeatable

make_repeatable()
matmul = torch.backends.cuda.matmul
print(json.dumps({
    "blas": torch.backends.cuda.preferred_blas_library().name,
    "reduced": [
        matmul.allow_bf16_reduced_precision_reduction,
        matmul.allow_fp16_reduced_precision_reduction,
        matmul.allow_tf32,
        torch.backends.cudnn.allow_tf32,
        torch.backends.cudnn.benchmark,
    ],
    "environment": {name: os.environ.get(name) for name in ENVIRONMENT},
}))
"""


def test_products_have_a_backend_that_knows_them_without_split_k() -> None:
    """In a process of its own, because the settings hold for a whole process."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    made = json.loads(done.stdout.splitlines()[-1])
    assert made["blas"] == "Cublaslt"
    assert not any(made["reduced"])
    assert made["environment"] == ENVIRONMENT

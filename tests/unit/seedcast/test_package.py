"""The package `seedcast`: what it exports, and what importing it must not load."""

import subprocess
import sys

import pytest

import seedcast

HEAVY = "torch,ChatTTS,faust,librosa,scipy,pyarrow,minio,confluent_kafka,numpy,pydantic,rich"


def test_every_exported_name_is_there_and_listed() -> None:
    assert set(seedcast.__all__) <= set(dir(seedcast))
    assert {name for name in seedcast.__all__ if getattr(seedcast, name, None) is None} == set()


def test_another_name_is_refused_as_pythons_own_modules_do() -> None:
    with pytest.raises(AttributeError, match="'seedcast' has no attribute 'synthesise'"):
        _ = seedcast.synthesise


def test_importing_every_exported_name_loads_nothing_heavy() -> None:
    names = ", ".join(name for name in seedcast.__all__ if name != "__version__")
    code = (
        f"import sys\nfrom seedcast import {names}\n"
        f"print(sorted({set(HEAVY.split(','))!r} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"

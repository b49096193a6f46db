"""The package `seedcast`: what it exports, and what importing it must not load."""

import subprocess
import sys
from importlib import import_module

import pytest

import seedcast

HEAVY = {
    "ChatTTS",
    "alembic",
    "confluent_kafka",
    "faust",
    "jgo",
    "librosa",
    "minio",
    "numba",
    "numpy",
    "psutil",
    "psycopg",
    "pyarrow",
    "pydantic",
    "requests",
    "rich",
    "scipy",
    "soundfile",
    "sqlalchemy",
    "torch",
    "xlsxwriter",
}


def test_every_exported_name_is_there_and_listed() -> None:
    assert set(seedcast.__all__) <= set(dir(seedcast))
    assert {name for name in seedcast.__all__ if getattr(seedcast, name, None) is None} == set()


def test_another_name_is_refused_as_pythons_own_modules_do() -> None:
    with pytest.raises(AttributeError, match="'seedcast' has no attribute 'synthesise'"):
        _ = seedcast.synthesise


def test_importing_every_exported_name_loads_nothing_heavy() -> None:
    names = ", ".join(name for name in seedcast.__all__ if name != "__version__")
    assert loaded_by(f"from seedcast import {names}") & HEAVY == set()


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("start", "needed"),
    [
        # `seedcast --help`
        ("import seedcast.cli", {"rich"}),
        # `seedcast submit`, a list of JSON Lines
        (
            "import seedcast.producers.staging.submit",
            {"confluent_kafka", "minio", "numpy", "pyarrow", "pydantic", "rich"},
        ),
        # `seedcast campaigns`
        ("import seedcast.campaigns.progress", {"confluent_kafka", "pydantic", "rich"}),
        # and the ids of its lists, until there are strays
        ("import seedcast.storage.list_ids as it; it.ids_reader(None)", {"pydantic"}),
        # `seedcast campaigns` and the like, before there is an index
        ("import seedcast.storage.index.lookup", {"confluent_kafka", "pydantic", "rich"}),
        # `seedcast export`, before a format is chosen
        ("import seedcast.storage.export.export", set()),
        # `seedcast results`
        ("import seedcast.campaigns.subscription", {"confluent_kafka", "pydantic", "rich"}),
        # whether the servers are those of the embedded stack, which every command asks
        ("import seedcast.embedded; seedcast.embedded.connected", {"pydantic"}),
        # what asks the results index; a PostgreSQL's driver comes when it is opened
        (
            "import seedcast.storage.index.reader",
            {"confluent_kafka", "pydantic", "rich", "sqlalchemy"},
        ),
        # the workers
        (
            "import seedcast.producers.feeder.app",
            {"confluent_kafka", "minio", "numpy", "pyarrow", "pydantic", "rich"},
        ),
        (
            "import seedcast.gpu_consumers.app",
            {"confluent_kafka", "minio", "numpy", "pydantic", "rich", "soundfile"},
        ),
        (
            "import seedcast.stream_apps.postprocess.app",
            {"confluent_kafka", "faust", "librosa", "minio", "numpy", "pydantic", "rich", "scipy"}
            | {"soundfile"},
        ),
    ],
)
def test_each_start_loads_only_what_it_needs(start: str, needed: set[str]) -> None:
    assert loaded_by(start) & HEAVY <= needed


@pytest.mark.parametrize("name", ["Process", "Stack"])
def test_the_embedded_stack_is_loaded_when_it_is_first_used(name: str) -> None:
    assert "psutil" in loaded_by(f"from seedcast.embedded import {name}")


def test_a_module_that_loads_names_late_refuses_others() -> None:
    with pytest.raises(AttributeError, match=r"'seedcast\.embedded' has no attribute 'other'"):
        _ = import_module("seedcast.embedded").other


def loaded_by(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after `code`."""
    code += "\nimport sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())

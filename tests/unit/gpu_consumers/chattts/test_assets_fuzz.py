"""Whatever the small files of a model folder hold, they are measured or refused with the mapped error."""

import json
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from gpu_consumers.engines.chattts.weights.assets import Assets, Fabrication
from gpu_consumers.engines.chattts.weights.checkpoint import Header, measured
from seedcast.errors import EngineFailed
from tests.unit.seedcast.test_fuzz import damaged, values

DEEP = b"[" * 100_000  # what parsers recurse on
NAMES = (
    "hidden_size",
    "intermediate_size",
    "num_attention_heads",
    "num_hidden_layers",
    "max_position_embeddings",
    "rms_norm_eps",
    "rope_theta",
)
numbers = values | st.integers(10**300, 10**400)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def test_any_configuration_is_measured_or_refused(tiny: Assets, place: Path) -> None:
    sound, file = tiny.gpt_config.read_bytes(), place / "config.json"
    fields = st.dictionaries(
        st.sampled_from([*NAMES, "rope_parameters"]),
        numbers | st.dictionaries(st.sampled_from(NAMES), numbers),
        max_size=3,
    )
    altered = fields.map(lambda changed: json.dumps(json.loads(sound) | changed).encode())

    @given(altered | damaged([sound]) | st.binary(max_size=100))
    @example(DEEP)
    @example(json.dumps(json.loads(sound) | {"rms_norm_eps": 10**400}).encode())
    @examples(max_examples=150)
    def judge(content: bytes) -> None:
        file.write_bytes(content)
        with suppress(EngineFailed):
            found = measured(file, tiny.gpt_model, tiny.embed, tiny.decoder, tiny.dvae, tiny.vocos)
            assert (found.hidden, found.layers) == (
                tiny.dimensions().hidden,
                tiny.dimensions().layers,
            )

    judge()


def test_any_header_of_weights_is_read_or_refused(place: Path) -> None:
    file = place / "x.safetensors"
    tensor = st.fixed_dictionaries(
        {
            "dtype": st.just("F32") | values,
            "shape": st.lists(st.integers(-1, 2**63)) | values,
            "data_offsets": st.just([0, 4]) | values,
        }
    )
    headers = (st.dictionaries(st.text(max_size=8), tensor, max_size=2) | values).map(
        lambda header: json.dumps(header).encode()
    )
    lengths = st.none() | st.integers(0, 2**64 - 1)

    @given(headers | st.binary(max_size=60), lengths)
    @example(DEEP, None)
    def judge(header: bytes, length: int | None) -> None:
        file.write_bytes(
            struct.pack("<Q", len(header) if length is None else length) + header + bytes(4)
        )
        with suppress(EngineFailed):
            assert isinstance(Header.read(file).shapes, dict)

    judge()


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        b"\xff",
        b"[]",
        b"{",
        b'{"size": "tiny"}',
        b'{"size": "tiny", "seed": 1, "colour": "red"}',
        b"null",
    ],
)
def test_a_marker_that_is_none_is_refused(content: bytes, place: Path) -> None:
    (place / "asset").mkdir(exist_ok=True)
    (place / "asset" / "fabricated.json").write_bytes(content)
    with pytest.raises(EngineFailed, match=r"fabricated\.json"):
        assert isinstance(Assets(place).fabrication, Fabrication)

"""Whatever a model folder's small files hold, they are read or refused with the mapped error."""

import json
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets, Fabrication
from seedcast.gpu_consumers.engines.chattts.weights.checkpoint import Header, read_dimensions
from tests.builders.fuzz import damaged, values

DEEP = b"[" * 100_000  # parsers recurse on it
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def test_any_configuration_is_read_or_refused(tiny: Assets, folder: Path) -> None:
    original, file = tiny.gpt_config.read_bytes(), folder / "config.json"
    fields = st.dictionaries(
        st.sampled_from([*NAMES, "rope_parameters"]),
        numbers | st.dictionaries(st.sampled_from(NAMES), numbers),
        max_size=3,
    )
    altered = fields.map(lambda changed: json.dumps(json.loads(original) | changed).encode())

    @given(altered | damaged([original]) | st.binary(max_size=100))
    @example(DEEP)
    @example(json.dumps(json.loads(original) | {"rms_norm_eps": 10**400}).encode())
    @examples(max_examples=150)
    def check(content: bytes) -> None:
        file.write_bytes(content)
        with suppress(EngineFailed):
            size = read_dimensions(
                file, tiny.gpt_model, tiny.embed, tiny.decoder, tiny.dvae, tiny.vocos
            )
            expected = tiny.dimensions()
            assert (size.hidden, size.layers) == (expected.hidden, expected.layers)

    check()


def test_any_header_of_weights_is_read_or_refused(folder: Path) -> None:
    file = folder / "x.safetensors"
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
    def check(header: bytes, length: int | None) -> None:
        prefix = struct.pack("<Q", len(header) if length is None else length)
        file.write_bytes(prefix + header + bytes(4))
        with suppress(EngineFailed):
            assert isinstance(Header.read(file).shapes, dict)

    check()


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
def test_a_malformed_marker_is_refused(content: bytes, folder: Path) -> None:
    (folder / "asset").mkdir(exist_ok=True)
    (folder / "asset" / "fabricated.json").write_bytes(content)
    with pytest.raises(EngineFailed, match=r"fabricated\.json"):
        assert isinstance(Assets(folder).fabrication, Fabrication)

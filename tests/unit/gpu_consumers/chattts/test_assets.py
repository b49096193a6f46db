"""The model folder: errors name what is missing or contradicts; digest and check see every byte."""

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from ChatTTS.config.config import Config
from safetensors.torch import load_file, save_file

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.model import upstream_modules
from seedcast.gpu_consumers.engines.chattts.model.dimensions import FULL, TINY, Dimensions
from seedcast.gpu_consumers.engines.chattts.weights.assets import FILES, Assets
from seedcast.gpu_consumers.engines.chattts.weights.inventory import inventory

Tensors = dict[str, torch.Tensor]


@pytest.fixture
def copy(tiny: Assets, tmp_path: Path) -> Assets:
    return Assets.open(Path(shutil.copytree(tiny.folder, tmp_path / "copy")))


def test_the_error_names_every_missing_file_and_the_commands_that_help(copy: Assets) -> None:
    for path in (FILES[0], FILES[7]):
        (copy.folder / path).unlink()
    with pytest.raises(EngineFailed) as caught:
        Assets.open(copy.folder)
    message = str(caught.value)
    assert all(part in message for part in (FILES[0], FILES[7], "models pull", "models fabricate"))
    assert FILES[1] not in message


def test_dimensions_are_read_from_the_files(tiny: Assets) -> None:
    assert tiny.dimensions() == TINY


def test_ropes_base_is_also_read_from_the_table_of_transformers_5(copy: Assets) -> None:
    values = json.loads(copy.gpt_config.read_text())
    values["rope_parameters"] = {"rope_type": "default", "rope_theta": values.pop("rope_theta") * 2}
    copy.gpt_config.write_text(json.dumps(values))
    assert copy.dimensions().rope_theta == 2 * TINY.rope_theta


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("hidden_size", 128, "q_proj"),
        ("num_hidden_layers", 2, "layers"),
        ("num_hidden_layers", 4, "layers.3"),
        ("intermediate_size", 256, "down_proj"),
        ("num_attention_heads", 5, "num_attention_heads"),
        ("num_attention_heads", "4", "num_attention_heads"),
        ("hidden_size", 0, "hidden_size"),
        ("rms_norm_eps", -1, "rms_norm_eps"),
    ],
)
def test_a_configuration_that_contradicts_the_weights_is_refused(
    copy: Assets, field: str, value: object, named: str
) -> None:
    copy.gpt_config.write_text(json.dumps(json.loads(copy.gpt_config.read_text()) | {field: value}))
    with pytest.raises(EngineFailed, match=named):
        copy.dimensions()


@pytest.mark.parametrize("content", ["{", "[]", "null"])
def test_a_configuration_that_is_not_an_object_is_refused(copy: Assets, content: str) -> None:
    copy.gpt_config.write_text(content)
    with pytest.raises(EngineFailed, match=r"config\.json"):
        copy.dimensions()


def fewer_codes(tensors: Tensors) -> Tensors:
    return tensors | {"emb_code.2.weight": tensors["emb_code.2.weight"][:625].contiguous()}


def one_codebook_fewer(tensors: Tensors) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("emb_code.3")}


def one_codebook_more(tensors: Tensors) -> Tensors:
    return tensors | {"emb_code.4.weight": tensors["emb_code.3.weight"].clone()}


def no_heads(tensors: Tensors) -> Tensors:
    return {name: tensor for name, tensor in tensors.items() if not name.startswith("head_")}


def flat_text(tensors: Tensors) -> Tensors:
    return tensors | {"emb_text.weight": tensors["emb_text.weight"].flatten()}


@pytest.mark.parametrize(
    "change", [fewer_codes, one_codebook_fewer, one_codebook_more, no_heads, flat_text]
)
def test_embeddings_of_another_shape_are_refused(
    copy: Assets, change: Callable[[Tensors], Tensors]
) -> None:
    save_file(change(load_file(copy.embed)), copy.embed)
    with pytest.raises(EngineFailed, match=r"Embed\.safetensors"):
        copy.dimensions()


def test_a_decoder_for_hidden_states_of_another_size_is_refused(copy: Assets) -> None:
    other = {"decoder.conv_in.0.weight": torch.zeros(TINY.decoder.bottleneck, 48, 3)}
    save_file(load_file(copy.decoder) | other, copy.decoder)
    with pytest.raises(EngineFailed, match=r"Decoder\.safetensors"):
        copy.dimensions()


def test_a_truncated_file_is_refused(copy: Assets) -> None:
    copy.vocos.write_bytes(copy.vocos.read_bytes()[:-100])
    with pytest.raises(EngineFailed, match=r"Vocos\.safetensors"):
        copy.dimensions()


def test_the_digest_covers_every_file_and_nothing_else(copy: Assets, tiny: Assets) -> None:
    (copy.folder / "asset" / "notes.txt").write_text("not part of the model")
    digests = {copy.digest()}
    assert digests == {tiny.digest()}
    for path in FILES:
        whole = (copy.folder / path).read_bytes()
        (copy.folder / path).write_bytes(whole + b" ")
        digests.add(copy.digest())
        (copy.folder / path).write_bytes(whole)
    assert len(digests) == 1 + len(FILES)


def test_check_compares_every_file_with_upstreams_table(copy: Assets) -> None:
    copy.dvae.unlink()
    comparisons = {comparison.path: comparison for comparison in copy.check()}
    assert set(comparisons) == set(FILES)
    assert all(len(comparison.expected) == 64 for comparison in comparisons.values())
    assert not any(comparison.ok for comparison in comparisons.values())
    assert comparisons["asset/DVAE.safetensors"].got == "missing"
    known = "0aaa1ecd96c49ad4f473459eb1982fa7ad79fa5de08cde2781bf6ad1f9a0c236"
    assert comparisons["asset/gpt/config.json"].expected == known


def test_a_marker_that_cannot_be_read_is_an_error_that_names_it(copy: Assets) -> None:
    (copy.folder / "asset/fabricated.json").write_text('{"size": "tiny"}')
    with pytest.raises(EngineFailed, match=r"fabricated\.json"):
        _ = copy.fabrication


def test_the_inventory_knows_fabricated_weights_and_the_folder_in_force(copy: Assets) -> None:
    home, other = copy.folder.parent, copy.folder.parent / "other"
    shutil.copytree(copy.folder, other)
    (other / "asset/fabricated.json").unlink()
    (home / "notes").mkdir()
    models = {model.name: (model.size, model.in_force) for model in inventory(home, other)}
    assert models == {"copy": ("tiny", False), "other": ("unknown", True)}
    assert {model.name for model in inventory(home / "nowhere", other)} == {"other"}


@pytest.mark.parametrize("dimensions", [TINY, FULL])
def test_upstreams_configuration_has_these_sizes(dimensions: Dimensions) -> None:
    config = upstream_modules.config(dimensions)
    assert config.gpt.hidden_size == dimensions.hidden
    assert config.decoder.idim == dimensions.hidden // 2
    assert config.dvae.decoder.idim * 2 == config.dvae.vq.dim


def test_the_full_size_is_upstreams_default() -> None:
    assert asdict(upstream_modules.config(FULL)) == asdict(Config())

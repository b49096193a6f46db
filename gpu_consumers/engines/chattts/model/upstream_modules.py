"""Upstream's configuration and modules, built for given sizes."""

from dataclasses import asdict

import numpy as np
import pybase16384
from ChatTTS.config import config as sizes
from ChatTTS.model import DVAE, Embed
from vocos import Vocos
from vocos.pretrained import instantiate_class

from seedcast.gpu_consumers.engines.chattts.model.dimensions import ConvStack, Dimensions


def config(dimensions: Dimensions) -> sizes.Config:
    """Return the nested configuration that `Chat._load` reads its sizes from."""
    model = {
        "hidden_size": dimensions.hidden,
        "num_audio_tokens": dimensions.audio_tokens,
        "num_text_tokens": dimensions.text_tokens,
    }
    return sizes.Config(
        decoder=_stack(dimensions.decoder),
        dvae=sizes.DVAE(
            _stack(dimensions.dvae_encoder),
            _stack(dimensions.dvae_decoder),
            sizes.VQ(dim=dimensions.dvae_encoder.outputs),
        ),
        gpt=sizes.GPT(
            **model,
            num_vq=dimensions.codebooks,
            intermediate_size=dimensions.intermediate,
            num_attention_heads=dimensions.heads,
            num_hidden_layers=dimensions.layers,
            max_position_embeddings=dimensions.max_positions,
        ),
        embed=sizes.Embed(**model, num_vq=dimensions.codebooks),
        vocos=_vocos(dimensions),
        spk_stat=speaker_statistics(dimensions.hidden),
    )


def speaker_statistics(hidden: int) -> str:
    """Return upstream's standard deviations and means of a voice, the first `hidden` of each.

    It is the base16384 string of (2 · hidden,) float16.
    """
    original: str = sizes.Config().spk_stat
    std, mean = np.frombuffer(pybase16384.decode_from_string(original), dtype=np.float16).reshape(
        2, -1
    )
    if hidden == len(std):
        return original
    smaller: str = pybase16384.encode_to_string(
        np.concatenate([std[:hidden], mean[:hidden]]).tobytes()
    )
    return smaller


def embed(config: sizes.Config) -> Embed:
    """Return the embeddings and heads, with random weights."""
    return Embed(**asdict(config.embed))


def dvae(config: sizes.Config) -> DVAE:
    """Return the autoencoder between mel spectrograms and codes, with random weights."""
    parts = asdict(config.dvae)
    return DVAE(
        decoder_config=parts["decoder"],
        encoder_config=parts["encoder"],
        vq_config=parts["vq"],
        dim=config.dvae.decoder.idim,
    )


def decoder(config: sizes.Config) -> DVAE:
    """Return the decoder from hidden states to mel spectrograms, with random weights."""
    return DVAE(decoder_config=asdict(config.decoder), dim=config.decoder.idim)


def vocos(config: sizes.Config) -> Vocos:
    """Return the vocoder from mel spectrograms to waveforms, with random weights."""
    parts = (config.vocos.feature_extractor, config.vocos.backbone, config.vocos.head)
    return Vocos(*(instantiate_class(args=(), init=asdict(part)) for part in parts))


def _stack(stack: ConvStack) -> sizes.Decoder:
    return sizes.Decoder(
        idim=stack.inputs,
        odim=stack.outputs,
        hidden=stack.hidden,
        n_layer=stack.layers,
        bn_dim=stack.bottleneck,
    )


def _vocos(dimensions: Dimensions) -> sizes.Vocos:
    size = dimensions.vocos
    backbone = sizes.BackboneInitArgs(
        dim=size.hidden, intermediate_dim=size.intermediate, num_layers=size.layers
    )
    return sizes.Vocos(
        backbone=sizes.Backbone(init_args=backbone),
        head=sizes.FourierHead(init_args=sizes.FourierHeadInitArgs(dim=size.hidden)),
    )

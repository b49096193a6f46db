"""A folder of ChatTTS's weights in upstream's layout: its files, dimensions, digest and check."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from seedcast.errors import EngineFailed
from seedcast.gpu_consumers.engines.chattts.model.dimensions import Dimensions
from seedcast.gpu_consumers.engines.chattts.weights.checkpoint import read_dimensions

REMEDY = (
    "run `seedcast models pull` for upstream's weights or `seedcast models fabricate` for random "
    "ones, or set SEEDCAST_GPU_MODELS to another folder"
)
FILES = (
    "asset/DVAE.safetensors",
    "asset/Decoder.safetensors",
    "asset/Embed.safetensors",
    "asset/Vocos.safetensors",
    "asset/gpt/config.json",
    "asset/gpt/model.safetensors",
    "asset/tokenizer/special_tokens_map.json",
    "asset/tokenizer/tokenizer.json",
    "asset/tokenizer/tokenizer_config.json",
)


@dataclass(frozen=True)
class Comparison:
    """One file compared with upstream's table."""

    path: str
    expected: str  # SHA-256, hexadecimal
    got: str  # the same; "missing" if there is no file

    @property
    def ok(self) -> bool:
        return self.got == self.expected


@dataclass(frozen=True)
class Fabrication:
    """The marker beside random weights, so that nobody takes them for real ones."""

    size: str
    seed: int

    def write(self, folder: Path) -> None:
        (folder / _MARKER).write_text(json.dumps(asdict(self)) + "\n")


_MARKER = "asset/fabricated.json"


@dataclass(frozen=True)
class Assets:
    """The paths of a model folder."""

    folder: Path

    @classmethod
    def open(cls, folder: Path) -> "Assets":
        """Return the assets of a complete folder; EngineFailed names every missing file."""
        missing = [path for path in FILES if not (folder / path).is_file()]
        if missing:
            raise EngineFailed(
                f"no ChatTTS model in {folder}",
                expected="upstream's layout",
                got=f"no {', no '.join(missing)}",
                remedy=REMEDY,
            )
        return cls(folder)

    @property
    def dvae(self) -> Path:
        return self.folder / "asset/DVAE.safetensors"

    @property
    def decoder(self) -> Path:
        return self.folder / "asset/Decoder.safetensors"

    @property
    def embed(self) -> Path:
        return self.folder / "asset/Embed.safetensors"

    @property
    def vocos(self) -> Path:
        return self.folder / "asset/Vocos.safetensors"

    @property
    def gpt(self) -> Path:
        return self.folder / "asset/gpt"

    @property
    def gpt_config(self) -> Path:
        return self.gpt / "config.json"

    @property
    def gpt_model(self) -> Path:
        return self.gpt / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "asset/tokenizer"

    def dimensions(self) -> Dimensions:
        """Read gpt/config.json and the headers of the weights.

        Raises EngineFailed if a file cannot be read or a shape contradicts.
        """
        return read_dimensions(
            self.gpt_config, self.gpt_model, self.embed, self.decoder, self.dvae, self.vocos
        )

    def digest(self) -> str:
        """Return the SHA-256 over names and contents of all files, hexadecimal."""
        whole = hashlib.sha256()
        for path in FILES:
            whole.update(path.encode() + b"\0" + bytes.fromhex(_sha256(self.folder / path)))
        return whole.hexdigest()

    def check(self) -> list[Comparison]:
        """Compare every file with upstream's table."""
        return list(self._compare())

    def _compare(self) -> Iterator[Comparison]:
        table = _upstream_table()
        for path in FILES:
            file = self.folder / path
            yield Comparison(path, table[path], _sha256(file) if file.is_file() else "missing")

    @cached_property
    def fabrication(self) -> Fabrication | None:
        """The marker of fabricated weights; None for weights without one. Raises EngineFailed."""
        marker = self.folder / _MARKER
        try:
            return Fabrication(**json.loads(marker.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, RecursionError) as error:
            raise EngineFailed(
                f"{marker} cannot be read",
                expected="size and seed, as `seedcast models fabricate` writes them",
                got=str(error),
            ) from None


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _upstream_table() -> dict[str, str]:
    """Return SHA-256 by path from ChatTTS/res/sha256_map.json.

    It is read as a file, since importing ChatTTS takes seconds.
    """
    package = find_spec("ChatTTS")
    if package is None or package.origin is None:
        raise EngineFailed(
            "ChatTTS is not installed",
            remedy="pip install 'seedcast[chattts]', or `make setup-all`",
        )
    table = json.loads((Path(package.origin).parent / "res" / "sha256_map.json").read_text())
    return {path: table["sha256_" + path.replace("/", "_").replace(".", "_")] for path in FILES}

"""`models`: ChatTTS's weights on this machine, pulled, checked, fabricated and listed."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Column, Table

from seedcast.cli.base import Exit, Json, app, emit, err, out, quiet_logs
from seedcast.errors import InvalidInput, LocalResource
from seedcast.settings import load

if TYPE_CHECKING:
    from gpu_consumers.engines.chattts.weights.assets import Assets
    from gpu_consumers.engines.chattts.weights.inventory import Model

models = typer.Typer(no_args_is_help=True, help="What speaks.")
app.add_typer(models, name="models", rich_help_panel="Operations")

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]",
        help="Default: SEEDCAST_GPU_MODELS, else models/chattts in SEEDCAST_HOME.",
        show_default=False,
    ),
]


@models.command()
def pull(
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help=r"Where to. \[default: the folder in force]", show_default=False
        ),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(
            metavar="REV", help=r"Branch, tag or commit. \[default: the newest]", show_default=False
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Fetch upstream's weights (1.2 GB), resumable, and check them. Exit code 1 where a file differs, 75 while the hub is away."""
    _require()
    from gpu_consumers.engines.chattts.weights.hub import LICENCES, REPOSITORY
    from gpu_consumers.engines.chattts.weights.hub import pull as fetch

    quiet_logs()
    err.print(LICENCES, soft_wrap=True)
    folder = to or _in_force()
    err.print(f"{REPOSITORY} → {folder}", soft_wrap=True)
    _report(fetch(folder, revision), as_json)


@models.command()
def check(folder: Folder = None, as_json: Json = False) -> None:
    """Compare a folder's files with upstream's own table of SHA-256. Exit code 1 where any differs."""
    _require()
    from gpu_consumers.engines.chattts.weights.assets import Assets

    _report(Assets(folder or _in_force()), as_json)


@models.command()
def fabricate(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to; made where it is missing.")
    ],
    size: Annotated[
        Literal["tiny", "full"],
        typer.Option(help="tiny: 14 MB, for tests; full: 1.1 GB, upstream's sizes."),
    ] = "tiny",
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, max=2**53 - 1, help="The same seed, the same bytes.")
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Also into a folder that is not empty.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Random weights in upstream's layout, to try the path, test and measure without the real ones. They speak noise."""
    _require()
    try:
        if not force and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InvalidInput(
                f"{folder}",
                expected="an empty folder, or none",
                got="something there",
                remedy="name another, or --force writes over it",
            )
        from gpu_consumers.engines.chattts.model.dimensions import SIZES
        from gpu_consumers.engines.chattts.weights.fabricate import fabricate as write

        write(folder, SIZES[size], seed)
    except OSError as error:
        raise LocalResource(
            f"{folder} cannot be written",
            got=str(error),
            remedy="free some space, or name another folder",
        ) from None
    if as_json:
        emit({"folder": str(folder), "size": size, "seed": seed})
    else:
        out.print(
            f"fabricated {size}, seed {seed}, in {folder}; the engine loads it with SEEDCAST_GPU_MODELS={folder}",
            soft_wrap=True,
        )


@models.command("list")
def list_models(as_json: Json = False) -> None:
    """The models in SEEDCAST_HOME, and the one in force."""
    _require()
    from gpu_consumers.engines.chattts.weights.inventory import inventory

    found = inventory(load().home / "models", _in_force())
    if as_json:
        for model in found:
            emit(asdict(model))
    else:
        _table(found)


def _require() -> None:
    from gpu_consumers.engines import ensure_chattts_installed

    ensure_chattts_installed()


def _in_force() -> Path:
    from gpu_consumers.engines import models_folder

    return models_folder(load())


def _report(assets: "Assets", as_json: bool) -> None:
    comparisons, fabricated = assets.check(), assets.fabrication
    table = Table(Column("file", no_wrap=True), "", "expected", "got", box=None, pad_edge=False)
    for comparison in comparisons:
        if as_json:
            emit(
                asdict(comparison)
                | {"ok": comparison.ok, "fabricated": fabricated and asdict(fabricated)}
            )
        state = (
            "[green]ok[/]"
            if comparison.ok
            else "[red]missing[/]"
            if comparison.got == "missing"
            else "[red]differs[/]"
        )
        table.add_row(comparison.path, state, comparison.expected[:16], comparison.got[:16])
    if not as_json:
        out.print(table)
        if fabricated:
            out.print(
                f"fabricated: random weights, {fabricated.size}, seed {fabricated.seed}; upstream's differ",
                soft_wrap=True,
            )
    if not all(comparison.ok for comparison in comparisons):
        raise typer.Exit(Exit.INCOMPLETE)


def _table(found: "Iterable[Model]") -> None:
    table = Table("name", "size", "MB", "in force", "folder", box=None, pad_edge=False)
    for model in found:
        table.add_row(
            model.name,
            model.size,
            f"{model.bytes / 1e6:,.0f}",
            "yes" if model.in_force else "",
            model.folder,
        )
    if table.row_count:
        out.print(table)
    else:
        out.print(
            "none; `seedcast models pull` fetches upstream's, `seedcast models fabricate` makes random ones",
            soft_wrap=True,
        )

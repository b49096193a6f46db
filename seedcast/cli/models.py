"""`models`: ChatTTS's weights on this machine: pulled, checked, fabricated and listed."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from seedcast.cli.base import Json, app, continues, emit, err, load, out, quiet_logs
from seedcast.cli.exit_codes import Exit
from seedcast.cli.tables import Row, show
from seedcast.cli.verbosity import App
from seedcast.errors import InvalidInput, LocalResource

if TYPE_CHECKING:
    from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets, Comparison
    from seedcast.gpu_consumers.engines.chattts.weights.inventory import Model

models = App(no_args_is_help=True, help="Manage the weights that speak.")
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
@continues()
def pull(
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=r"Folder to write to. \[default: the folder in force]",
            show_default=False,
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
    """Fetch upstream's weights (1.2 GB), and check them. An interrupted download is resumed.

    Exit code 1 if a file differs, 75 while the hub is unavailable.
    """
    _ensure_installed()
    from seedcast.gpu_consumers.engines.chattts.weights import hub

    quiet_logs()
    err.print(hub.LICENCES)
    folder = to or _in_force()
    err.print(f"{hub.REPOSITORY} → {folder}")
    _report(hub.pull(folder, revision), as_json)


@models.command()
def check(folder: Folder = None, as_json: Json = False) -> None:
    """Compare a folder's files with upstream's own table of SHA-256.

    Exit code 1 if one differs.
    """
    _ensure_installed()
    from seedcast.gpu_consumers.engines.chattts.weights.assets import Assets

    _report(Assets(folder or _in_force()), as_json)


@models.command()
def fabricate(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write to; made if missing.")
    ],
    size: Annotated[
        Literal["tiny", "full"],
        typer.Option(help="tiny: 14 MB, for tests; full: 1.1 GB, upstream's sizes."),
    ] = "tiny",
    seed: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=2**53 - 1, help="The same seed gives the same bytes."),
    ] = 0,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write random weights in upstream's layout. They speak noise.

    With them the path can be tried, tested and measured without the real ones.
    """
    _ensure_installed()
    try:
        if not force:
            _refuse_if_used(folder)
        from seedcast.gpu_consumers.engines.chattts.model.dimensions import SIZES
        from seedcast.gpu_consumers.engines.chattts.weights.fabricate import fabricate as write

        write(folder, SIZES[size], seed)
    except OSError as error:
        raise LocalResource(
            f"{folder} cannot be written",
            got=str(error),
            remedy="free some space, or name another folder",
        ) from None
    if as_json:
        emit({"folder": str(folder), "size": size, "seed": seed})
        return
    out.print(
        f"fabricated {size}, seed {seed}, in {folder};"
        f" the engine loads it with SEEDCAST_GPU_MODELS={folder}",
    )


@models.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models in SEEDCAST_HOME, and the one in force."""
    _ensure_installed()
    from seedcast.gpu_consumers.engines.chattts.weights.inventory import inventory

    available = inventory(load().home / "models", _in_force())
    if as_json:
        for model in available:
            emit(asdict(model))
    else:
        _print(available)


def _ensure_installed() -> None:
    from seedcast.gpu_consumers.engines import ensure_chattts_installed

    ensure_chattts_installed()


def _in_force() -> Path:
    from seedcast.gpu_consumers.engines import models_folder

    return models_folder(load())


def _refuse_if_used(folder: Path) -> None:
    """Raise InvalidInput if there is a file, or a folder that is not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            f"{folder}",
            expected="an empty folder, or none",
            got="something there",
            remedy="name another folder, or write over it with --force",
        )


def _report(assets: "Assets", as_json: bool) -> None:
    """Print each file's comparison; exit with code 1 if one differs."""
    comparisons, fabricated = assets.check(), assets.fabrication
    if as_json:
        for comparison in comparisons:
            facts = {"ok": comparison.ok, "fabricated": fabricated and asdict(fabricated)}
            emit(asdict(comparison) | facts)
    else:
        _print_comparisons(comparisons)
        if fabricated:
            out.print(
                f"fabricated: random weights, {fabricated.size}, seed {fabricated.seed};"
                " upstream's differ",
            )
    if not all(comparison.ok for comparison in comparisons):
        raise typer.Exit(Exit.INCOMPLETE)


def _print_comparisons(comparisons: "Iterable[Comparison]") -> None:
    rows: list[Row] = [
        [_verdict(c), c.path, c.expected, "" if c.ok else c.got] for c in comparisons
    ]
    show(["", "file", "expected", "got"], rows)


def _verdict(comparison: "Comparison") -> Text:
    if comparison.ok:
        return Text("ok", "green")
    return Text("missing" if comparison.got == "missing" else "differs", "red")


def _print(available: "Iterable[Model]") -> None:
    rows = [
        [m.name, m.size, f"{m.bytes / 1e6:,.0f}", "yes" if m.in_force else "", m.folder]
        for m in available
    ]
    if rows:
        show(["name", "size", "MB", "in force", "folder"], rows)
        return
    out.print(
        "none; `seedcast models pull` fetches upstream's,"
        " `seedcast models fabricate` makes random ones",
    )

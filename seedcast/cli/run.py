"""`run`: one worker in the foreground, as a container starts it."""

from typing import Annotated

import typer

from seedcast.cli.base import app, connected
from seedcast.settings import Settings

runner = typer.Typer(
    no_args_is_help=True,
    help="Run one worker in the foreground; SIGTERM drains it and leaves the group.",
)
app.add_typer(runner, name="run", rich_help_panel="Workers")


@runner.command("gpu-consumer")
def gpu_consumer(
    engine: Annotated[
        str | None, typer.Option(help="espeak or chattts; default: SEEDCAST_GPU_ENGINE.")
    ] = None,
) -> None:
    """Synthesise: requests in, waveforms out."""
    from gpu_consumers.app import run

    run(with_engine(connected(), engine))


@runner.command("postprocess")
def postprocess() -> None:
    """Render and deliver: waveforms in, audio objects and manifests out."""
    from stream_apps.postprocess.app import run

    run(connected())


def with_engine(settings: Settings, engine: str | None) -> Settings:
    if engine is None:
        return settings
    from gpu_consumers.engines import ENGINES

    if engine not in ENGINES:
        raise typer.BadParameter(f"expected one of {', '.join(ENGINES)}, got {engine}")
    return settings.model_copy(update={"gpu": settings.gpu.model_copy(update={"engine": engine})})

"""`run`: one worker in the foreground, as a container starts it."""

from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import EngineName, app, load, with_engine
from seedcast.cli.verbosity import App

if TYPE_CHECKING:
    from seedcast.settings import Settings

runner = App(
    no_args_is_help=True,
    help="Run one worker in the foreground. SIGTERM drains it, and it leaves the group.",
)
app.add_typer(runner, name="run", rich_help_panel="Workers")


@runner.command("feeder")
def feeder(
    once: Annotated[
        bool, typer.Option("--once", help="Feed what is staged, as far as it can be, and end.")
    ] = False,
) -> None:
    """Feed: staged lists in, requests out. Of several feeders one is active."""
    from seedcast.producers.feeder.app import run

    run(_connected(), once=once)


@runner.command("gateway")
def gateway() -> None:
    """Serve HTTP: speeches, requests and campaigns. Any number of replicas may run."""
    from seedcast.producers.gateway.app import run

    run(_connected())


@runner.command("gpu-consumer")
def gpu_consumer(engine: EngineName = None) -> None:
    """Synthesise: requests in, waveforms out."""
    from seedcast.gpu_consumers.app import run

    run(with_engine(_connected(), engine))


@runner.command("indexer")
def indexer() -> None:
    """Index: results into SQL, and the end of each list into objects. Of several one is active."""
    from seedcast.stream_apps.index.app import run

    run(_connected())


@runner.command("postprocess")
def postprocess() -> None:
    """Render and deliver: waveforms in, audio objects and manifests out."""
    from seedcast.stream_apps.postprocess.app import run

    run(_connected())


def _connected() -> "Settings":
    """Return the settings, and print nothing: a worker's stderr is its log."""
    from seedcast import embedded

    return embedded.connected(load())

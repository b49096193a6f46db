"""`check`: what is wrong with lists, and what will be said, before a word is spoken."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seedcast.cli.base import EngineName, Json, app, err, load, out, quiet_logs, with_engine
from seedcast.cli.exit_codes import Exit
from seedcast.cli.findings import SHOWN, Checked, check_file
from seedcast.cli.piped import PIPE, opened
from seedcast.cli.style_options import NewListOptions, expand_options
from seedcast.cli.submit import print_check
from seedcast.errors import InvalidInput

if TYPE_CHECKING:
    from seedcast.settings import Settings

CAMPAIGN = "check"  # request ids are not shown, so the name says nothing


@app.command(rich_help_panel="Daily work")
@expand_options
def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="Lists: .csv, .tsv, .jsonl (also .gz, .zst), .xlsx, .parquet, or -."),
    ],
    spoken: NewListOptions,
    speak: Annotated[
        int, typer.Option(min=0, max=100, help="Speak so many of the texts into files.")
    ] = 0,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder of the spoken texts.")
    ] = Path(),
    engine: EngineName = None,
    as_json: Json = False,
) -> None:
    """Check lists without servers, and show some texts as they will be said.

    Counts rows that are right and wrong, duplicates, equal requests, voices and characters without
    a sound, and predicts roughly how much audio it will be.
    Wrong rows go to FILE.rejected.jsonl, and the exit code is 1.
    `-` is a list on a pipe: name its --format. Its wrong rows go to list.rejected.jsonl, here.
    """
    quiet_logs()
    if speak:
        _refuse_equal_names(files)
    settings = with_engine(load(), engine)
    options = spoken.submit_options(CAMPAIGN)
    code = Exit.OK
    for file in files:
        with opened(file, options) as (path, read_by):
            checked = check_file(settings, path, read_by, max(SHOWN, speak))
        paths = _speak(settings, path, checked, output, speak) if speak else []
        print_check(settings, file, checked, as_json, paths)
        for written in () if as_json else paths:
            out.print(str(written), markup=False)
        code = max(code, checked.exit_code)
    raise typer.Exit(code)


def _refuse_equal_names(files: list[Path]) -> None:
    """Raises InvalidInput if the spoken texts of two lists would be the same files."""
    by_name = dict[str, Path]()
    for file in files:
        name = "list" if file == PIPE else file.stem
        other = by_name.setdefault(name, file)
        if other is not file:
            raise InvalidInput(
                "--speak",
                expected="lists of different names, after which the spoken texts are named",
                got=f"{other} and {file}",
                remedy="check them one by one, each with another --output",
            )


def _speak(
    settings: "Settings", file: Path, checked: Checked, folder: Path, count: int
) -> list[Path]:
    """Speak some of the texts, each in the first of its profiles. Returns the files."""
    from seedcast.catalog import formats, profiles
    from seedcast.cli.say import speak
    from seedcast.gpu_consumers import engines
    from seedcast.stream_apps.audio.chain import render

    table, paths = profiles.load(settings.postprocess), list[Path]()
    with err.status("speaking"):
        loaded = engines.load(settings)
        for request in checked.findings.samples[:count]:
            chosen = table[request.profiles[0]]
            waveform, _ = speak(loaded, request)
            rendered = render(waveform, loaded.sample_rate, chosen)
            row = request.metadata["row"]
            ending = formats.suffix(chosen.format, chosen.sample_rate)
            paths.append(folder / f"{file.stem}-row-{row}.{ending}")
            _write(paths[-1], rendered.data)
    return paths


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        expected = "a folder to write to"
        raise InvalidInput(
            str(path), expected=expected, got=str(error), remedy="choose another with --output"
        ) from error

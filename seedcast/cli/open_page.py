"""`open`: the page of the embedded stack's gateway, signed in by a link that works once."""

import webbrowser
from typing import Annotated

import typer

from seedcast.cli import local_gateway
from seedcast.cli.base import Json, app, connected, emit, err, load, out, quiet_logs
from seedcast.errors import InvalidInput


@app.command("open", rich_help_panel="Embedded stack")
def open_page(
    show: Annotated[
        bool, typer.Option("--print", help="Print the address, and start no browser.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Open the page of the embedded stack in a browser, signed in.

    The address is good for one sign-in within a minute. Whoever has it then has every scope.
    """
    from seedcast.embedded import Stack

    quiet_logs()
    home = load().home
    if (url := local_gateway.url(Stack(home))) is None:
        raise InvalidInput(
            f"the gateway of {home.absolute()}",
            expected="one that runs",
            got="none that answers",
            remedy="`seedcast up` starts it",
        )
    address = local_gateway.sign_in_address(connected(), url)
    if as_json:
        emit({"url": address})
    elif show or not webbrowser.open(address):
        err.print("open this within a minute; it works once:")
        out.print(address, markup=False, soft_wrap=True)
    else:
        err.print(f"opened {url}", markup=False)

"""The exit codes of all commands."""

from enum import IntEnum


class Exit(IntEnum):
    """What a program that calls us can rely on."""

    OK = 0  # everything that was asked for is done
    INCOMPLETE = 1  # finished, but rows were rejected or requests did not succeed
    USAGE = 2  # wrong arguments, settings or input file; nothing was done
    FATAL = 3  # the environment does not allow it: topics, credentials, ports, no broker
    UNAVAILABLE = 75  # something is away for the moment; the same command may work later
    INTERRUPTED = 130  # Ctrl-C; the same command may be run again

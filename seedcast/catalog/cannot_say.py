"""The error of a value that cannot be said as it is asked for."""


class CannotSay(ValueError):
    """The message says what is taken instead, and quotes nothing of the value."""

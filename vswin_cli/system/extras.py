"""How a user gets what is not installed: by the name of the distribution that is."""


def pip_command(extra: str | None, *packages: str) -> str:
    """The command that installs packages, and an extra of vswin, or of vswin-slim where that is.

    The one would bring TensorFlow to who has chosen the other.
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms of --help

    try:
        version("vswin-slim")
        name = "vswin-slim"
    except PackageNotFoundError:
        name = "vswin"
    return " ".join(["pip install", *([f"'{name}[{extra}]'"] if extra else []), *packages])

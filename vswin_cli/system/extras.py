"""How to install missing packages, with the name of the installed distribution."""


def pip_command(extra: str | None, *packages: str) -> str:
    """Return the command that installs packages and an extra of vswin or, if installed, vswin-slim.

    Otherwise users of vswin-slim would get TensorFlow.
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 20 ms of --help

    try:
        version("vswin-slim")
        name = "vswin-slim"
    except PackageNotFoundError:
        name = "vswin"
    return " ".join(["pip install", *([f"'{name}[{extra}]'"] if extra else []), *packages])

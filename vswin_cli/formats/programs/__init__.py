"""Formats of other programs: a file each, found by being here.

To add one, write a module with a `FORMAT` and its writer, which gets one record at a time. It
imports nothing that is slow, since `--help` names it.
"""

from importlib import import_module
from pkgutil import iter_modules

from vswin_cli.formats.format import Format


def program_formats() -> tuple[Format, ...]:
    """All of them, by their modules' names."""
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").FORMAT for name in names)

"""Formats of other programs: a module each, found automatically.

To add one, write a module with a `FORMAT` and its writer, which gets one record at a time. It must
not import slow libraries, because `--help` lists it.
"""

from importlib import import_module
from pkgutil import iter_modules

from vswin_cli.formats.format import Format


def program_formats() -> tuple[Format, ...]:
    """Return all formats, by the names of their modules."""
    names = sorted(module.name for module in iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").FORMAT for name in names)

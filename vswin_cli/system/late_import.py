"""Packages that libraries import unnecessarily, and that take long to import."""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


def imported_when_used(name: str, *functions: str) -> ModuleType:
    """Make a module that stands in for a package, and imports it on first use.

    Args:
        name: Name of the package, in another one.
        functions: Functions that libraries take from it and may never call; taking any other name
            counts as use.
    """
    module = ModuleType(name)
    parent, _, folder = name.rpartition(".")

    def look_up(attribute: str) -> Any:  # noqa: ANN401 - what the package has
        if attribute == "__path__":  # of its modules, which Python also asks for before any name
            return [os.path.join(path, folder) for path in import_module(parent).__path__]  # noqa: PTH118
        if attribute.startswith("__") and attribute != "__all__":  # asked for of every module
            raise AttributeError(attribute)
        if sys.modules.get(name) is module:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    def calling(function: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            return look_up(function)(*arguments, **options)

        return call

    vars(module)["__getattr__"] = look_up
    vars(module).update({function: calling(function) for function in functions})
    return module

"""Packages that are imported when they are used."""

import sys
from importlib import import_module

import pytest

from vswin_cli.system.late_import import imported_when_used


@pytest.fixture
def stand_in(monkeypatch):
    package = imported_when_used("xml.dom", "getDOMImplementation")
    monkeypatch.setitem(sys.modules, "xml.dom", package)
    return package


def test_a_package_is_imported_when_a_name_of_it_is_taken(stand_in):
    import_module("xml.dom")
    assert not hasattr(stand_in, "__file__")  # as `inspect` asks every module
    assert sys.modules["xml.dom"] is stand_in
    from xml.dom import Node

    assert sys.modules["xml.dom"] is not stand_in
    assert Node is sys.modules["xml.dom"].Node is stand_in.Node


def test_a_package_is_imported_when_a_function_that_was_taken_is_called(stand_in):
    from xml.dom import getDOMImplementation

    assert sys.modules["xml.dom"] is stand_in
    assert getDOMImplementation("minidom").hasFeature("core", version="2.0")
    assert sys.modules["xml.dom"] is not stand_in


@pytest.mark.usefixtures("stand_in")
def test_modules_of_a_package_are_found(monkeypatch):
    monkeypatch.delitem(sys.modules, "xml.dom.domreg", raising=False)
    assert import_module("xml.dom.domreg").__file__.endswith("domreg.py")

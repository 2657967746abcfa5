import pytest


@pytest.fixture(autouse=True)
def _cache(cache, monkeypatch):
    """The cache folder of all commands, so that the model is exported for the engine once."""
    monkeypatch.setenv("VSWIN_CACHE", str(cache))

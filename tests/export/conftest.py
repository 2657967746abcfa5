import pytest


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    """One cache folder, so that the model is exported for the engine once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VSWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield

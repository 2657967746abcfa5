import pytest

from vswin_cli.cli.app import run
from vswin_cli.engines.graph_cache import CONSTANTS, DIGESTS


@pytest.fixture
def kept(tmp_path):
    """A cache folder with one graph and one weights file."""
    entry = tmp_path / "graphs" / "nano-0123"
    entry.mkdir(parents=True)
    (entry / CONSTANTS).write_bytes(bytes(2_499_998))
    (entry / DIGESTS).write_text("{}")
    (tmp_path / "model.weights.h5").write_text("")
    return tmp_path


def test_info_says_what_is_kept_and_where(kept, capsys, monkeypatch):
    monkeypatch.setenv("VSWIN_CACHE", str(kept))
    assert run(["cache", "info"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "    2.5 MB  nano-0123",
        f"    2.5 MB of at most 5000 MB in {kept / 'graphs'}",
    ]


def test_clear_keeps_the_weights(kept, capsys):
    assert run(["cache", "clear", "--cache-dir", str(kept)]) == 0
    assert capsys.readouterr().out == f"2.5 MB freed in {kept / 'graphs'}\n"
    assert [path.name for path in kept.rglob("*")] == ["graphs", "model.weights.h5"]


def test_empty_cache_is_no_error(tmp_path, capsys):
    assert run(["cache", "clear", "--cache-dir", str(tmp_path / "none")]) == 0
    assert run(["cache", "info", "--cache-dir", str(tmp_path / "none")]) == 0
    assert "0.0 MB of at most" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["much", "-1", "inf", "nan"])
def test_limit_that_is_no_number_is_wrong_usage(value, monkeypatch, capsys):
    monkeypatch.setenv("VSWIN_CACHE_LIMIT_GB", value)
    assert run(["cache", "info"]) == 2
    assert f"VSWIN_CACHE_LIMIT_GB={value}" in capsys.readouterr().err

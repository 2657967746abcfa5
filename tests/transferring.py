"""One download from a test server, and the content of the cache afterwards."""

from vswin_cli.weights.fetch import Fetching, fetch
from vswin_cli.weights.transfer import Patience
from vswin_cli.weights.watch import DownloadWatcher

QUICK = Patience(first_delay_seconds=0.01)
PATIENT = Patience(first_delay_seconds=0.01, least_progress_bytes=1)  # for a small file


def get(target, server, *, patience=QUICK, timeout_seconds=5.0, **options):
    fetching = Fetching(
        mirror=server.mirror, patience=patience, timeout_seconds=timeout_seconds, **options
    )
    return fetch(target, fetching, DownloadWatcher())


def beside(target):
    """Return the names in the cache, without the lock."""
    return sorted(p.name for p in target.folder.iterdir() if p != target.lock_path)


def assert_whole(target, server):
    assert target.path.read_bytes() == server.content
    assert beside(target) == [target.path.name, target.record_path.name]


def assert_nothing(target):
    assert beside(target) == []

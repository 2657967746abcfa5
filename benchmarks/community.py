"""What it takes to download, convert and run a checkpoint of MMAction2 or torchvision.

python benchmarks/community.py swin-l-k400 swin-b-k400-torchvision

Files of their layout at full size, with random weights, come from a server on this machine; a pin
takes the place of the published digits. First the digits must refuse the file. A process per step.
"""

import argparse
import http.server
import os
import sys
import tempfile
import threading
from functools import partial
from pathlib import Path
from time import perf_counter

from vswin_cli.system.files import file_sha256
from vswin_cli.zoo.community import COMMUNITY_MODELS, MMACTION2
from vswin_cli.zoo.models import CommunityModel

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from foreign import as_mmaction2, as_torchvision, original, save_zip

ROOT = Path(__file__).resolve().parents[1]
MODELS = {model.name: model for model in COMMUNITY_MODELS}


def write(model: CommunityModel, folder: Path) -> Path:
    """Write the model's file with random weights."""
    weights = original(model.architecture, model.num_classes)
    if model.source is MMACTION2:
        tree = {"meta": {}, "state_dict": as_mmaction2(weights)}
    else:
        tree = as_torchvision(weights)
    return save_zip(folder / model.classifier_file.name, tree)


def call(expected: int, *arguments: str, **environment: str) -> None:
    """Run a command, and print what it took."""
    start = perf_counter()
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "vswin_cli", *arguments],
        {**os.environ, **environment},
    )
    _, status, usage = os.wait4(process, 0)
    assert os.waitstatus_to_exitcode(status) == expected
    print(
        f"{arguments[0]:16} {perf_counter() - start:5.1f} s, "
        f"{usage.ru_maxrss / 1e6:.1f} GB at most\n",
        flush=True,
    )


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Logs no requests."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def main() -> None:
    """Take the models one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", choices=MODELS, metavar="MODEL")
    for name in parser.parse_args().models:
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            child = os.fork()  # what it takes to make the file is not counted
            if not child:
                write(MODELS[name], folder)
                os._exit(0)
            os.waitpid(child, 0)
            file = folder / MODELS[name].classifier_file.name
            print(f"{name}: {file.name}, {file.stat().st_size / 1e6:.0f} MB", flush=True)
            server = http.server.ThreadingHTTPServer(
                ("127.0.0.1", 0), partial(Quiet, directory=text)
            )
            threading.Thread(target=server.serve_forever, daemon=True).start()
            common = {
                "VSWIN_CACHE": str(folder / "cache"),
                "VSWIN_MIRROR": f"http://127.0.0.1:{server.server_port}/",
            }
            call(1, "download-weights", name, **common)
            pins = folder / "SHA256SUMS"
            pins.write_text(f"{file_sha256(file)}  {file.name}\n")
            common["VSWIN_SHA256SUMS"] = str(pins)
            call(0, "download-weights", name, **common)
            video = str(ROOT / "sample_videos/static.mp4")
            views = ("--clips", "1", "--crops", "1", "--top-k", "1")
            call(0, "predict", video, "--model", name, *views, **common)
            server.shutdown()


if __name__ == "__main__":
    main()

"""Attacks by files of strangers: open, connect, execute, fill memory, hang, write elsewhere.

Every kind of file that somebody may hand over has a module here, with attacks on similar programs;
videos have theirs in `video/test_hostile_videos.py`, names in pages and tables in `pages/` and
`formats/`. `SECURITY.md` lists the promises. No file may

- open or read another file, a pipe, a device or an address (`test_hdf5`, `test_pipes`,
  `test_model_files`);
- execute anything, or change this program (`test_checkpoints`);
- fill the memory or the disk, or keep the program busy forever (`test_hdf5`, `test_checkpoints`,
  `test_model_files`, `test_features_and_lists`; a server: `test_cache`);
- cause writing in another place, or for other users (`test_cache`);
- control the terminal (`test_terminal`).
"""

import pytest
from foreign import SMALL

from vswin_cli.zoo.labels import custom_label_set
from vswin_cli.zoo.model_file import model_text
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import KINETICS


@pytest.fixture
def model_file(tmp_path):
    """A valid model file of a stranger."""
    model = CustomModel(
        "theirs",
        SMALL,
        custom_label_set(("a", "b")),
        KINETICS,
        tmp_path / "theirs.toml",
        tmp_path / "theirs.weights.h5",
        "0" * 64,
        True,
    )
    model.path.write_text(model_text(model, origin="theirs.pth"))
    return model.path

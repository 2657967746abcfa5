"""Model files: no paths to other folders, and no unlimited memory."""

import pytest

from vswin_cli.errors import ModelFileError
from vswin_cli.zoo.model_file import read_model_file


@pytest.mark.parametrize("labels", ["/etc/passwd", "../secret.txt", "link.txt"])
def test_labels_of_a_model_file_are_in_its_folder(tmp_path, model_file, labels):
    (tmp_path.parent / "secret.txt").write_text("one\ntwo\n")
    (tmp_path / "link.txt").symlink_to("/etc/passwd")
    listed = 'labels = [\n  "a",\n  "b",\n]'
    text = model_file.read_text()
    assert listed in text
    model_file.write_text(text.replace(listed, f'labels = "{labels}"'))
    with pytest.raises(ModelFileError, match="in another folder"):
        read_model_file(model_file)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("crop_size = 224", "crop_size = 4096", "larger than any view"),
        ("window = [4, 3, 2]", "window = [64, 64, 2]", "more than 4096 tokens"),
        ("num_heads = [1, 2, 4]", "num_heads = [1, 2, 4" + ", 1" * 9**6 + "]", "num_heads"),
    ],
    ids=["view", "window", "stages"],
)
def test_model_file_that_would_fill_the_memory_is_refused(model_file, old, new, fault):
    text = model_file.read_text()
    assert old in text
    model_file.write_text(text.replace(old, new))
    with pytest.raises(ModelFileError, match=fault) as refusal:
        read_model_file(model_file)
    assert len(str(refusal.value)) < 3000

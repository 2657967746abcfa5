import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from vswin_cli.errors import ModelFileError, UnknownModelError, UsageError
from vswin_cli.zoo.architectures import TINY
from vswin_cli.zoo.catalog import custom_models, find_classifier, find_downloaded_model, find_model
from vswin_cli.zoo.labels import KINETICS400, custom_label_set, read_label_file, read_labels
from vswin_cli.zoo.model_file import model_text, numbered_names, read_model_file
from vswin_cli.zoo.models import CustomModel
from vswin_cli.zoo.protocols import KINETICS, SOMETHING_SOMETHING

NAMES = ('say "hi"', "back\\slash", "comma, and # sign", "жест", "a=b")


def own(folder, name="mine", **changes):
    model = CustomModel(
        name=name,
        architecture=replace(TINY, window=(4, 7, 7)),
        label_set=custom_label_set(NAMES),
        protocol=SOMETHING_SOMETHING,
        path=folder / f"{name}.toml",
        weights_path=folder / f"{name}.weights.h5",
        sha256="0123456789abcdef" * 4,
        has_head=True,
    )
    return replace(model, **changes)


def write(model):
    model.path.write_text(model_text(model, origin="theirs.pth"), encoding="utf-8")
    return model


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"label_set": KINETICS400, "protocol": KINETICS},
        {"label_set": custom_label_set(numbered_names(7))},
        {"label_set": custom_label_set(()), "has_head": False},
    ],
    ids=["custom names", "known names", "numbers", "without head"],
)
def test_what_is_written_is_read(tmp_path, changes):
    model = write(own(tmp_path, **changes))
    assert read_model_file(model.path) == model
    assert find_model(str(model.path)) == model
    assert len(read_labels(model.label_set)) == model.num_classes


def test_labels_may_be_a_file_beside_it(tmp_path):
    model = write(own(tmp_path))
    table = model.path.read_text(encoding="utf-8")
    start, end = table.index("labels = ["), table.index("[architecture]")
    model.path.write_text(table[:start] + 'labels = "names.txt"\n' + table[end:], encoding="utf-8")
    (tmp_path / "names.txt").write_text("\n".join(NAMES) + "\n", encoding="utf-8")
    assert read_labels(read_model_file(model.path).label_set) == NAMES
    (tmp_path / "names.txt").write_text("one\ntwo\n")
    with pytest.raises(ModelFileError, match="2 labels, but num_classes is 5"):
        read_model_file(model.path)
    (tmp_path / "names.txt").unlink()
    with pytest.raises(ModelFileError, match=r"names\.txt: no such file.*or one of kinetics400"):
        read_model_file(model.path)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("embed_dim = 96", "embed_dim = 0", r"embed_dim 0 is not a whole number from 1"),
        ("embed_dim = 96", "embed_dim = 96.0", r"embed_dim 96\.0 is not a whole number"),
        ("embed_dim = 96", "embed_dim = true", r"embed_dim True is not a whole number"),
        ("embed_dim = 96", f"embed_dim = {'9' * 5000}", "not TOML"),
        ("embed_dim = 96", "", r"architecture\.embed_dim is missing"),
        ("embed_dim = 96", "embed_dims = 96", r"architecture\.embed_dims is not known"),
        ("num_heads = [3, 6, 12, 24]", "num_heads = [3, 6, 12]", "one number per stage"),
        ("num_heads = [3, 6, 12, 24]", "num_heads = [5, 6, 12, 24]", "do not divide"),
        (
            "window = [4, 7, 7]",
            "window = [7, 7]",
            r"window \[7, 7\] is not \[T, H, W\]",
        ),
        ("window = [4, 7, 7]", "window = 7", r"architecture\.window 7 is not \[T, H, W\]"),
        ("window = [4, 7, 7]", "window = [99, 99, 99]", "more than 4096 tokens"),
        ('sampling = "uniform"', 'sampling = "often"', "sampling 'often' is not one of official"),
        ("num_clips = 1", "num_clips = 4", "num_clips is not 1"),
        ("num_crops = 3", "num_crops = 2", "neither 1 nor 3"),
        ("crop_size = 224", "crop_size = 225", "not whole patches"),
        ('name = "mine"', 'name = "../mine"', "is not letters"),
        ('sha256 = "0', 'sha256 = "X', "64 hexadecimal"),
        ("sha256 =", "sha265 =", "sha265 is not known"),
        ("num_classes = 5", "num_classes = 4", "5 labels, but num_classes is 4"),
        ("num_classes = 5", "", "labels, but no num_classes"),
        ('  "a=b",', '  "a=b", "a=b",', "names 5 and 6 are both 'a=b'"),
        ('  "a=b",', '  "a=b", 3,', r"labels \[.*\] is not .*all text"),
        ('  "a=b",', '  "a=b", "\\u001b[2J",', "control character"),
        ("weights = ", "weights = 3 # ", "weights 3 is not text"),
        ("[protocol]", "[protokoll]", "protokoll is not known"),
        ("[architecture]", "[architecture", "not TOML"),
    ],
)
def test_fault_is_named(tmp_path, old, new, fault):
    model = write(own(tmp_path))
    text = model.path.read_text(encoding="utf-8")
    assert old in text
    model.path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ModelFileError, match=fault) as refusal:
        read_model_file(model.path)
    assert str(model.path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_name_is_that_of_the_file_where_none_is_given(tmp_path):
    model = write(own(tmp_path))
    path = tmp_path / "my model.toml"
    path.write_text(model.path.read_text(encoding="utf-8").replace('name = "mine"', ""))
    assert read_model_file(path).name == "my-model"


def test_file_that_an_editor_of_windows_has_saved_is_read(tmp_path):
    model = write(own(tmp_path))
    text = model.path.read_text(encoding="utf-8")
    model.path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert read_model_file(model.path) == model


def test_models_in_the_cache_folder_are_found_by_name(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    model = write(own(folder))
    assert find_model("mine", tmp_path) == model
    assert custom_models(tmp_path).models == (model,)
    with pytest.raises(UnknownModelError, match="did you mean mine"):
        find_model("mien", tmp_path)


def test_broken_file_in_the_cache_folder_hides_no_other(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    model = write(own(folder))
    (folder / "broken.toml").write_text("x = 1")
    write(own(folder, "swin-t-k400"))  # could not be found by its name
    (folder / "twin.toml").write_text(model.path.read_text(encoding="utf-8"))
    kept = custom_models(tmp_path)
    assert kept.models == (model,)
    assert [path.name for path in kept.broken] == ["broken.toml", "swin-t-k400.toml", "twin.toml"]
    assert find_model("mine", tmp_path) == model
    with pytest.raises(ModelFileError, match="x is not known"):
        find_model("broken", tmp_path)


def test_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ModelFileError, match=r"cannot read model file .*none\.toml: no such file"):
        find_model(str(tmp_path / "none.toml"))
    with pytest.raises(UnknownModelError, match=r"has no model\.toml"):
        find_model(str(tmp_path))
    assert custom_models(tmp_path / "nowhere").models == ()


def test_model_without_a_head_names_no_classes(tmp_path):
    model = write(own(tmp_path, label_set=custom_label_set(()), has_head=False))
    with pytest.raises(UsageError, match="without a head"):
        find_classifier(str(model.path))
    assert model.num_parameters == TINY_BACKBONE - 4 * 12 * BIAS_ROWS_LESS


TINY_BACKBONE = 28_158_070 - 769 * 400
BIAS_ROWS_LESS = (2535 - 7 * 169) * (2 * 3 + 2 * 6 + 6 * 12 + 2 * 24) / (4 * 12)


def test_custom_model_is_not_among_the_downloads(tmp_path):
    model = write(own(tmp_path))
    with pytest.raises(UsageError, match="custom model"):
        find_downloaded_model(str(model.path))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"one\n\nthree\n", "name 2 is empty"),
        (b"one\ntwo\none\n", "names 1 and 3 are both 'one'"),
        (b"", "name 1 is empty"),
        (b"\xff\xff", "not utf-8"),
        (b"one\ttwo\n", "control character"),
    ],
)
def test_label_file_that_is_no_list_of_names_is_refused(tmp_path, content, fault):
    path = tmp_path / "names.txt"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=fault):
        read_label_file(path)


def test_label_file_of_windows_is_read(tmp_path):
    path = tmp_path / "names.txt"
    path.write_bytes(b"\xef\xbb\xbfone, or more\r\ntwo \r\n")
    assert read_label_file(path) == ("one, or more", "two")


def test_written_file_says_where_the_weights_come_from_in_one_line(tmp_path):
    text = model_text(own(tmp_path), origin="evil\nname = 3\x1b")
    assert tomllib.loads(text)["name"] == "mine"
    assert Path("mine.weights.h5").name in text

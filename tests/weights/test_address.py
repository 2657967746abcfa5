import pytest

from vswin_cli.errors import UsageError
from vswin_cli.weights.address import file_address, local_path
from vswin_cli.zoo.models import PublishedFile

FILE = PublishedFile("a file.h5", 1)


@pytest.mark.parametrize(
    ("mirror", "address"),
    [
        ("https://host/folder", "https://host/folder/a%20file.h5"),
        ("https://host/folder/", "https://host/folder/a%20file.h5"),
        ("http://host:8080", "http://host:8080/a%20file.h5"),
        ("https://host/folder?token=1", "https://host/folder/a%20file.h5?token=1"),
        ("file:///srv/our%20weights", "file:///srv/our%20weights/a%20file.h5"),
        ("file://localhost/srv/", "file://localhost/srv/a%20file.h5"),
    ],
)
def test_files_of_a_mirror_have_their_published_names(mirror, address):
    assert file_address(FILE, mirror) == address


@pytest.mark.parametrize(
    "mirror",
    [
        "host/folder",
        "/srv",
        "ftp://host/",
        "https://",
        "https://host/folder#part",
        "file://host/srv",
        "file:relative",
        "file:",
        "file:///srv/a #1",
        "file:///srv/a?",
        "http://h:x/",
        "https://me:secret/with/slashes@host/#part",
        "https://host?token=secret#part",
    ],
)
def test_other_addresses_are_wrong_usage(mirror):
    with pytest.raises(UsageError, match=r"https://host/folder/ or file:///folder/") as caught:
        file_address(FILE, mirror)
    assert "secret" not in str(caught.value)


def test_mirror_is_the_chosen_one_then_the_variable_then_the_release_page(monkeypatch):
    assert file_address(FILE) == FILE.url
    monkeypatch.setenv("VSWIN_MIRROR", "http://variable/")
    assert file_address(FILE).startswith("http://variable/")
    assert file_address(FILE, "http://chosen/").startswith("http://chosen/")
    monkeypatch.setenv("VSWIN_MIRROR", "")
    assert file_address(FILE) == FILE.url


def test_local_path_is_that_of_a_file_address_alone():
    assert str(local_path("file:///srv/our%20weights/x")) == "/srv/our weights/x"
    assert local_path("https://host/x") is None

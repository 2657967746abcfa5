"""The documentation as a site: it builds, its links work, and nothing is loaded from elsewhere."""

import os
import re
import shlex
import subprocess
import sys

import pytest
import typer
from command import SAMPLES
from console import PAGES, ROOT, name_of
from waiting import wait_until

from vswin_cli.cli.app import app

WORDS = (  # words that a native writer avoids: CONTRIBUTING.md, Language
    r"beside\b", r"anew\b", r"shall\b", r"whatever\b", r"is none of", r"^Of ", r"\. Of ",
    r"(?:frames|views?|clips|steps?|numbers|images|MB|kB) an? (?:second|video|view|class|minute)\b",
)  # fmt: skip
CODE = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "vswin_cli").rglob("*.py"))


@pytest.fixture(scope="session")
def site(made_once):
    pytest.importorskip("mkdocs", reason="MkDocs is not installed")

    def build(folder):
        built = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
            capture_output=True,
            text=True,
        )
        assert built.returncode == 0, built.stdout + built.stderr

    return made_once("site", build)


@pytest.mark.slow
def test_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?(\w+:)?//", text)
        loaded += re.findall(r"<link\b[^>]*\brel=[\"']?stylesheet[^>]*href=[\"']?https?:", text)
        assert not loaded, page
    for picture in (ROOT / "docs").rglob("*.svg"):
        assert "url(http" not in picture.read_text(), picture
    assert (site / "reference" / "schemas" / "record.schema.json").is_file()
    assert "vswin predict" in (site / "reference" / "commands.html").read_text()


@pytest.mark.slow
def test_pages_open_from_the_file_system_on_a_phone_and_can_be_searched(site, browser):
    browser.resize(390)
    for page in ("index", "guides/choose-a-model", "reference/commands", "reference/errors"):
        browser.show((site / f"{page}.html").as_uri())
        assert browser.evaluate("document.documentElement.scrollWidth") <= 390, page
    browser.resize(1280)
    browser.show((site / "index.html").as_uri())
    browser.evaluate("document.querySelector('[data-md-component=search-query]').focus()")
    browser.press(*"mirror")
    titles = "[...document.querySelectorAll('.md-search-result h1')].map(each => each.textContent)"
    wait_until(lambda: browser.evaluate(titles))
    assert browser.evaluate(titles)[0] == "Offline use and mirrors"


def test_readme_is_short_and_its_links_lead_to_files():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert len(links) > 20
    for link in links:
        path, _, anchor = link.partition("#")
        assert (ROOT / path).is_file(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w-]", "", t.lower().replace(" ", "-")) for t in titles]


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("How do I label a folder and see the result?", ["vswin label", "--report"]),
        ("Which model should I use?", ["swin-t-k400", "top-1"]),
        ("Why do two tools give different accuracy", ["sample different frames"]),
        ("Can it run without a network?", ["--offline", "download-weights"]),
        ("What does this error kind mean?", ["not_a_video", "no_frames", "timeout"]),
    ],
)
def test_start_page_links_to_the_answer(question, answers):
    start = (ROOT / "docs" / "index.md").read_text()
    link = re.search(re.escape(question) + r".*?\]\(([^)#]+)", start, re.DOTALL)[1]
    answer = (ROOT / "docs" / link).read_text()
    assert all(each in answer for each in answers)


def test_every_error_kind_of_a_video_is_explained():
    from vswin_cli.errors import VideoError

    kinds = re.findall(r"`(\w+)`", VideoError.__doc__)
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    assert len(kinds) > 10
    assert [kind for kind in kinds if f"| `{kind}` |" not in page] == []


def test_every_class_of_errors_is_explained():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    kinds = r'^class (\w+Error)\((?:(?!^class ).)*?^    kind = "(\w+)"'
    found = re.findall(kinds, CODE, re.MULTILINE | re.DOTALL)
    assert len(found) > 10
    for name, kind in found:
        assert name == "VideoError" or f"| `{name}` | `{kind}` |" in page, name


def test_every_environment_variable_is_explained():
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    between_processes = {"VSWIN_CALL", "VSWIN_WORKER_KEY"}
    names = set(re.findall(r"\bVSWIN_[A-Z0-9_]+", CODE)) - between_processes
    assert len(names) > 5
    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_examples_of_every_command_can_be_parsed():
    pytest.importorskip("mkdocs", reason="MkDocs is not installed")
    from site_pages import commands_page

    group = typer.main.get_command(app)
    examples = re.findall(r"^\$ (?:.*(?:&& |\| ))?vswin ([^|>&\n]*)", commands_page(), re.MULTILINE)
    assert len(examples) > 40
    for example in examples:
        words = shlex.split(example)
        context = group.make_context("vswin", list(words))
        name, command, rest = group.resolve_command(context, words)
        command.make_context(name, rest, parent=context)


WRITTEN = [page for page in PAGES if page.name not in ("api.md", "swin-n-motion.md")]  # by hand


@pytest.mark.parametrize("page", [*WRITTEN, ROOT / "CONTRIBUTING.md"], ids=name_of)
def test_pages_are_written_in_plain_words(page):
    prose = re.sub(
        r"```.*?```|`[^`]*`|\"[^\"\n]+\"|\*[^*\n]+\*", "", page.read_text(), flags=re.DOTALL
    )
    found = [m[0] for word in WORDS for m in re.finditer(word, prose, re.MULTILINE)]
    assert not found


PROGRAMS = [page for page in PAGES if "```python\n" in page.read_text() and page.name != "api.md"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[pytest.mark.keras] if "keras_model(" in page.read_text() else [])
        for page in PROGRAMS
    ],
    ids=name_of,
)
def test_python_of_a_page_runs(page, cache, tmp_path, monkeypatch):
    (tmp_path / "sample_videos").mkdir()
    for name in ("pan_left.mp4", "films"):  # what is shown does not depend on how many there are
        (tmp_path / "sample_videos" / name).symlink_to(SAMPLES / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VSWIN_CACHE", str(cache))
    code = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    exec("\n".join(code), {})

"""A headless Chromium, driven through its debugging pipe, with real keys."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from waiting import wait_until

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
LOOKS = ((390, "light"), (390, "dark"), (1280, "dark"), (1920, "light"))  # widths and schemes
_KEYS = {"ArrowDown": 40, "ArrowUp": 38, "Escape": 27, "Tab": 9}


class Page:
    """One open page; commands are those of the DevTools protocol."""

    def __init__(self, commands, answers):
        self._commands = commands
        self._answers = answers
        self._number = 0
        self._session = {}
        [target] = [
            target
            for target in self.send("Target.getTargets")["targetInfos"]
            if target["type"] == "page"
        ]
        attached = self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}

    def send(self, method, **parameters):
        """Call a command, and return its result."""
        self._number += 1
        call = {"id": self._number, "method": method, "params": parameters, **self._session}
        self._commands.write(json.dumps(call).encode() + b"\0")
        self._commands.flush()
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _read(self):
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            message += byte
        return message

    def evaluate(self, expression):
        """Return the value of a JavaScript expression; await promises."""
        result = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def show(self, address):
        """Open another address in this page."""
        self.send("Page.navigate", url="about:blank")
        self.send("Page.navigate", url=address)
        loaded = f"location.href.startsWith({json.dumps(address)}) && document.readyState"
        wait_until(lambda: self.evaluate(loaded) == "complete")

    def resize(self, width, height=844, scheme="light"):
        """Set the screen size, a phone's if narrow, and light or dark colours."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.send("Emulation.setEmulatedMedia", features=[feature])
        self.send(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
        )

    def violations(self):
        """Return the accessibility problems that axe-core finds in the page."""
        self.evaluate((files("axe_core_python") / "axe.min.js").read_text(encoding="utf-8") + ";0")
        return self.evaluate(
            "axe.run().then(found => found.violations.map(each => "
            "[each.id, each.nodes.map(node => node.html)]))"
        )

    def press(self, *keys):
        """Press keys one after the other: characters, or names like `ArrowDown`."""
        for key in keys:
            code = _KEYS.get(key, ord(key[0]))
            text = {} if key in _KEYS else {"text": key}
            for kind in ("keyDown", "keyUp"):
                self.send(
                    "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **text
                )
        # Waits until the page has done its work for the next frame.
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


@contextmanager
def open_page(address, profile: Path):
    """Open an address in a new browser."""
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()

    def take_pipes():  # the browser reads commands from 3, and writes to 4
        os.dup2(command_end, 13)
        os.dup2(answer_end, 14)
        os.dup2(13, 3)
        os.dup2(14, 4)

    arguments = [*ARGUMENTS, "--remote-debugging-pipe", f"--user-data-dir={profile}", address]
    browser = subprocess.Popen(
        [CHROMIUM, *arguments],
        preexec_fn=take_pipes,  # noqa: PLW1509 - pass_fds would not number them
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(command_end)
    os.close(answer_end)
    try:
        with os.fdopen(commands, "wb") as writing, os.fdopen(answers, "rb") as reading:
            page = Page(writing, reading)
            loaded = f"location.href.startsWith({json.dumps(address)}) && document.readyState"
            wait_until(lambda: page.evaluate(loaded) == "complete")
            yield page
    finally:
        browser.kill()
        browser.wait()

"""A headless Chromium that finds no other host, for tests of pages as a reader sees them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--remote-allow-origins=*")
CUT = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


class Browser:
    """One tab, driven through Chromium's debugging protocol."""

    def __init__(self, program: str, profile: str) -> None:
        from websocket import create_connection

        command = [program, *OPTIONS, CUT, f"--user-data-dir={profile}", "--window-size=1280,807", "about:blank"]
        variables = {**os.environ, "TMPDIR": profile}  # where Chromium leaves a folder behind
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=variables)
        file, end = Path(profile, "DevToolsActivePort"), time.monotonic() + 60
        while not (file.exists() and file.read_text().count("\n")) and time.monotonic() < end:
            time.sleep(0.1)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        tabs = json.load(opener.open(f"http://127.0.0.1:{file.read_text().split()[0]}/json", timeout=30))
        address = next(tab for tab in tabs if tab["type"] == "page")["webSocketDebuggerUrl"]
        self.socket = create_connection(address, timeout=60, http_no_proxy=["127.0.0.1"])
        self.count, self.events = 0, list[dict[str, Any]]()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        self.count += 1
        self.socket.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while (message := json.loads(self.socket.recv())).get("id") != self.count:
            self.events.append(message)
        assert "error" not in message, message
        return dict(message["result"])

    def run(self, script: str) -> Any:
        """Return the value of an expression of JavaScript, awaited."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str) -> Any:
        """Return the value of an expression as soon as it is true."""
        end = time.monotonic() + 60
        while not (value := self.run(script)) and time.monotonic() < end:
            time.sleep(0.1)
        return value

    def open(self, address: str) -> None:
        """Open a page and wait until it and its formulas are there."""
        self.events.clear()
        self.send("Page.navigate", url=address)
        assert self.wait("location.href != 'about:blank' && document.readyState == 'complete'")
        self.run("window.MathJax?.startup?.promise.then(() => true)")

    def complaints(self) -> list[str]:
        """Return the errors of the page, and its requests to other hosts, since it was opened."""
        found = []
        for event in self.events:
            text = json.dumps(event)[:500]
            address = event.get("params", {}).get("request", {}).get("url", "file:")
            failed = event.get("method") in ("Network.loadingFailed", "Runtime.exceptionThrown")
            logged = event.get("method") == "Log.entryAdded" and '"level": "error"' in text
            if failed or logged or not re.match("file:|data:|blob:", address):
                found.append(text)
        return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    pytest.importorskip("websocket", reason="websocket-client is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        pytest.skip("no Chromium or Chrome is installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        tab = Browser(program, profile)
        yield tab
        tab.process.terminate()
        tab.process.wait()

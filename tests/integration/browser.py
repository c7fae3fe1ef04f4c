"""A headless Chromium, driven by selenium, for tests of pages; whoever lacks it skips them, and says so."""

import json
import shutil
import time
import unittest

from harness import PATIENCE

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None


def need() -> None:
    """Skips the test where there is no browser."""
    if webdriver is None or not shutil.which("chromium") or not shutil.which("chromedriver"):
        raise unittest.SkipTest(
            "there is no Chromium with selenium (Debian: chromium, chromium-driver, python3-selenium)")


class Browser:
    def __init__(self, width: int = 1280, height: int = 800):
        options = webdriver.ChromeOptions()
        for each in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--disable-background-networking", "--disable-component-update", "--lang=en",
                     f"--window-size={width},{height}"):
            options.add_argument(each)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def close(self) -> None:
        self.driver.quit()

    def open(self, port: int) -> None:
        self.driver.get(f"http://127.0.0.1:{port}/ui")

    def run(self, script: str, *words: object) -> object:
        return self.driver.execute_script(script, *words)

    def wait(self, script: str, *words: object, within: float = PATIENCE) -> object:
        """What `script` returns, once that is true."""
        until = time.monotonic() + within
        while not (found := self.run(script, *words)):
            if time.monotonic() > until:
                raise AssertionError(f"not within {within} s: {script}\n{self.run('return document.body.innerText')}"
                                     f"\n{self.driver.get_log('browser')}")
        return found

    def faults(self) -> list[str]:
        """What the console says that is no notice, since the last time."""
        return [each["message"] for each in self.driver.get_log("browser") if each["level"] in ("SEVERE", "WARNING")]

    def hosts(self) -> set[str]:
        """The hosts that were asked for anything, since the last time."""
        found = set()
        for each in self.driver.get_log("performance"):
            message = json.loads(each["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.add(message["params"]["request"]["url"].split("/")[2].split(":")[0])
        return found

    def cell(self, capability: str, node: str) -> str:
        """What the grid says of a capability on a node."""
        return self.run("""
          const label = [...document.querySelectorAll("#grid button")].map((each) => each.getAttribute("aria-label"))
            .find((each) => each?.startsWith(`${arguments[0]} on ${arguments[1]}: `));
          return label ?? "";""", capability, node)

    def picture(self, path: str) -> None:
        self.driver.save_screenshot(path)

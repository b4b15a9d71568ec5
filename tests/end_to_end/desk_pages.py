"""The desk in a real browser: headless Chromium, driven like a doctor would."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.end_to_end.running import Guarded

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
WIDTHS = (1280, 400)


class Browser:
    """One browser at one guardrail."""

    def __init__(self, driver: Chrome, running: Guarded, shots: Path) -> None:
        self.driver = driver
        self._base = running.base
        self._shots = shots

    def open(self, path: str) -> None:
        self.driver.get(self._base + path)

    @property
    def path(self) -> str:
        return str(self.driver.current_url).removeprefix(self._base)

    @property
    def text(self) -> str:
        return self.one("body").text

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def send(self, action: str) -> None:
        """Press the button of the form that goes to `…action`, and wait for the next page."""
        before = self.one("html")
        self.one(f"form[action$='{action}'] button").click()
        WebDriverWait(self.driver, 20).until(lambda _: self.one("html") != before)

    def write(self, selector: str, text: str) -> None:
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def sign_in(self, key: str) -> None:
        self.open("/desk")
        self.write("#key", key)
        self.send("/sign-in")

    def focus(self) -> WebElement:
        return self.driver.switch_to.active_element

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def wide(self, width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def scripts(self, *, on: bool) -> None:
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not on})

    def shot(self, name: str) -> None:
        """A picture of the whole page at both widths; nothing may need scrolling sideways."""
        for width in WIDTHS:
            self.wide(width)
            metrics = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
            assert metrics["cssContentSize"]["width"] <= width, (name, width)
            given = {"captureBeyondViewport": True}
            picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", given)
            data = base64.b64decode(picture["data"])
            (self._shots / f"{name}-{width}.png").write_bytes(data)
        self.wide(WIDTHS[0])

    def complaints(self) -> list[str]:
        """What the browser's console holds against the pages (a refused key is no fault)."""
        logged = [row["message"] for row in self.driver.get_log("browser")]
        faults = ("Content Security Policy", "Uncaught", "TypeError", " 404 ", " 500 ")
        return [line for line in logged if any(fault in line for fault in faults)]


@contextmanager
def browser(running: Guarded, folder: Path) -> Iterator[Browser]:
    """Chromium with a profile of its own. Skips the test where it is not installed."""
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("chromium or chromedriver is not installed")
    options = Options()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(chromedriver))
    try:
        made = Browser(driver, running, folder)
        made.wide(WIDTHS[0])
        yield made
    finally:
        driver.quit()

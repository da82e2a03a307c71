"""Drives /docs of a fresh service in headless Chromium. Usage: browser.py PATH_OF_FIB_HTTP [SCREENSHOT.png]"""

import json
import re
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expect
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 60


def start_service(program):
    """The process, and the address in the last line that it logs at its start."""
    service = subprocess.Popen([program, "--port", "0"], stderr=subprocess.PIPE, text=True)
    for line in service.stderr:
        if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", line):
            return service, found[1]
    raise SystemExit(f"the service ended with status {service.wait()}")


def start_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
                 "disable-component-update", "disable-sync", "window-size=1280,1400", f"user-data-dir={profile}"):
        options.add_argument("--" + flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
    return webdriver.Chrome(service=service, options=options)


def requests(browser):
    """The addresses that the browser requested over the network, without its own pages."""
    messages = (json.loads(entry["message"])["message"] for entry in browser.get_log("performance"))
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return [url for url in urls if not url.startswith(("about:", "blob:", "chrome:", "data:"))]


def try_it_out(browser, base):
    """The response body that "Try it out" on GET / shows."""
    def click(css):
        WebDriverWait(browser, SECONDS).until(expect.element_to_be_clickable((By.CSS_SELECTOR, css))).click()

    browser.get(base + "/docs")
    click("#operations-default-next .opblock-summary-control")
    click("#operations-default-next .try-out__btn")
    click("#operations-default-next .execute")
    body = (By.CSS_SELECTOR, ".live-responses-table .response-col_description pre")
    return WebDriverWait(browser, SECONDS).until(expect.visibility_of_element_located(body)).text


def main(program, screenshot=None):
    service, base = start_service(program)
    try:
        with tempfile.TemporaryDirectory() as profile:
            browser = start_browser(profile)
            try:
                numbers = [try_it_out(browser, base) for _ in range(3)]
                asked = requests(browser)
                if screenshot:
                    browser.save_screenshot(screenshot)
            finally:
                browser.quit()
                time.sleep(0.5)  # the browser may still be writing to its profile
    finally:
        service.terminate()
    if numbers != ["0", "1", "1"]:
        raise SystemExit(f"Try it out showed {numbers}, not 0, 1, 1")
    outside = [url for url in asked if not url.startswith(base + "/")]
    if not asked or outside:
        raise SystemExit(f"{len(asked)} requests, outside the service: {outside}")
    if service.wait(SECONDS) != 0:
        raise SystemExit(f"the service ended with status {service.returncode}")
    print(f"/docs renders, Try it out returned {', '.join(numbers)}; {len(asked)} requests, all to the service")


if __name__ == "__main__":
    main(*sys.argv[1:])

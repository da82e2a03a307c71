"""Drives /docs of a fresh service in headless Chromium, and pages of another site that would take numbers.

Usage: browser.py PATH_OF_FIB_HTTP [SCREENSHOT.png]"""

import http.server
import json
import math
import pathlib
import re
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as expect
from selenium.webdriver.support.ui import WebDriverWait

SECONDS = 60

# Both are 127.0.0.1 to the browser, which takes them for two sites off loopback.
SERVICE, OTHER = "fib.test", "other.test"

# Ways in which a page takes what it does not show, and those that show it within the page.
HIDDEN = """
<img src="{url}"><script src="{url}"></script><link rel="stylesheet" href="{url}"><video src="{url}"></video>
<link rel="prefetch" href="{url}"><script>fetch("{url}").catch(() => {{}}); fetch("{url}", {{mode: "no-cors"}})</script>
"""
FRAMES = '<iframe src="{url}"></iframe><object data="{url}"></object><embed src="{url}">'
LINK = '<a href="{url}">the next number</a>'

# A page of another site may read a number by its index. This range makes the browser ask for the options first.
LAST_DIGITS = """
const [url, done] = arguments;
fetch(url, {headers: {Range: "bytes=-20"}}).then(response => response.text()).then(done, error => done(String(error)));
"""


def start_service(program):
    """The process, and the address in the last line that it logs at its start."""
    service = subprocess.Popen([program, "--port", "0", "--allowed-host", SERVICE], stderr=subprocess.PIPE, text=True)
    for line in service.stderr:
        if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", line):
            return service, found[1]
    raise SystemExit(f"the service ended with status {service.wait()}")


def start_browser(profile):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
                 "disable-component-update", "disable-sync", "window-size=1280,1400", f"user-data-dir={profile}",
                 f"host-resolver-rules=MAP {SERVICE} 127.0.0.1, MAP {OTHER} 127.0.0.1"):
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
    click("#operations-numbers-next .opblock-summary-control")
    click("#operations-numbers-next .try-out__btn")
    click("#operations-numbers-next .execute")
    body = (By.CSS_SELECTOR, ".live-responses-table .response-col_description pre")
    return WebDriverWait(browser, SECONDS).until(expect.visibility_of_element_located(body)).text


def position(base):
    """The index of the next number, by the metrics."""
    with urllib.request.urlopen(base + "/metrics") as metrics:
        return int(re.search(rb"^fib_http_position (\d+)$", metrics.read(), re.MULTILINE)[1])


def refusals(base):
    with urllib.request.urlopen(base + "/metrics") as metrics:
        return int(re.search(rb'^fib_http_refusals_total{reason="cross-site"} (\d+)$', metrics.read(), re.MULTILINE)[1])


def visit_from_elsewhere(browser, base, url, page):
    """Opens a page of another site, which must take no number, and follows its link, which takes one."""
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write((page + LINK).format(url=url).encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        before = position(base)
        browser.get(f"http://{OTHER}:{server.server_port}/")
        time.sleep(2)  # for what the page does not wait for
        if (taken := position(base) - before) != 0:
            raise SystemExit(f"a page of another site took {taken} numbers from {url}")
        digits = browser.execute_async_script(LAST_DIGITS, url + "fibonacci/18446744073709551615")
        if digits != "66019507593362999010":
            raise SystemExit(f"a page of another site asked {url} for the last 20 digits of F(2^64-1) and got {digits}")
        browser.find_element(By.TAG_NAME, "a").click()
        WebDriverWait(browser, SECONDS).until(expect.url_to_be(url))
        if (taken := position(base) - before) != 1:
            raise SystemExit(f"a link on another site took {taken} numbers from {url}")
        server.shutdown()


def listen(browser, base):
    """What EventSource receives from /stream on a page of the service: indices and numbers."""
    browser.get(base + "/docs/")
    return browser.execute_async_script("""
        const done = arguments[0], seen = [];
        const source = new EventSource("/stream?count=200");
        source.onmessage = event => seen.push([event.lastEventId, event.data]);
        // The browser asks again after the end, and learns that there is no more.
        source.onerror = () => { if (source.readyState == EventSource.CLOSED) done(seen); };
    """)


def shown(browser, base):
    """The media type and the text of the number that the browser shows after it navigated to /."""
    browser.get(base + "/")
    return browser.execute_script("return [document.contentType, document.body.innerText]")


class CuttingProxy(socketserver.ThreadingTCPServer):
    """Passes one request of each connection on to the service, and cuts the first number after some bytes."""

    daemon_threads = True

    def __init__(self, port):
        super().__init__(("127.0.0.1", 0), self.Connection)
        self.port, self.requests = port, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Connection(socketserver.StreamRequestHandler):
        def handle(self):
            head = b"".join(iter(self.rfile.readline, b"\r\n"))
            left = math.inf
            if head.startswith(b"GET /fibonacci/"):
                left = math.inf if self.server.requests else 100_000
                self.server.requests.append(head.decode())
            with socket.create_connection(("127.0.0.1", self.server.port)) as service:
                service.sendall(head.replace(b"keep-alive", b"close") + b"\r\n")
                while left > 0 and (block := service.recv(4096)):
                    self.wfile.write(block)
                    left -= len(block)


def download(browser, base, folder):
    """The digits of a number that the browser downloads although the connection breaks once, and the ranges it asked for."""
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": folder})
    with CuttingProxy(int(base.rsplit(":", 1)[1])) as proxy:
        address = f"http://127.0.0.1:{proxy.server_address[1]}"
        # A link to another origin cannot ask for a download.
        browser.get(address + "/robots.txt")
        browser.execute_script("""
            const link = document.createElement("a");
            link.href = arguments[0];
            link.download = "number.txt";
            link.click();
        """, "/fibonacci/1000000")
        path = pathlib.Path(folder, "number.txt")
        WebDriverWait(browser, SECONDS).until(lambda _: path.exists())
        proxy.shutdown()
    return path.read_text(), [found[1] for head in proxy.requests if (found := re.search(r"(?im)^range: (.*)\r$", head))]


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
                # Over loopback the browser sends Fetch Metadata, elsewhere it does not: frames look like links then.
                visit_from_elsewhere(browser, base, base + "/", HIDDEN + FRAMES)
                over_loopback = refusals(base)
                visit_from_elsewhere(browser, base, base.replace("127.0.0.1", SERVICE) + "/", HIDDEN)
                elsewhere = refusals(base) - over_loopback
                first = position(base)
                events, last = listen(browser, base), position(base)
                page = shown(browser, base)
                downloaded, ranges = download(browser, base, profile)
                with urllib.request.urlopen(base + "/fibonacci/1000000") as response:
                    digits = response.read().decode()
            finally:
                browser.quit()
                time.sleep(0.5)  # the browser may still be writing to its profile
    finally:
        service.terminate()
    if numbers != ["0", "1", "1"]:
        raise SystemExit(f"Try it out showed {numbers}, not 0, 1, 1")
    known = [0, 1]
    while len(known) <= last:
        known.append(known[-1] + known[-2])
    if last != first + 200 or events != [[str(index), str(known[index])] for index in range(first, last)]:
        raise SystemExit(f"EventSource received {events}, from {first} to {last}")
    if page != ["text/plain", str(known[last])]:
        raise SystemExit(f"the browser shows {page} instead of F({last}) as text")
    if downloaded != digits or not ranges:
        raise SystemExit(f"a broken download has {len(downloaded)} of {len(digits)} digits, after {ranges}")
    outside = [url for url in asked if not url.startswith(base + "/")]
    if not asked or outside:
        raise SystemExit(f"{len(asked)} requests, outside the service: {outside}")
    if service.wait(SECONDS) != 0:
        raise SystemExit(f"the service ended with status {service.returncode}")
    print(f"/docs renders, Try it out returned {', '.join(numbers)}; {len(asked)} requests, all to the service")
    print(f"EventSource received {len(events)} numbers in order; / is shown as text")
    print(f"a download that broke went on with {', '.join(ranges)}, and is whole")
    print(f"pages of another site took none: {over_loopback} refused over loopback, {elsewhere} over plain http")
    print("they read a range of a number by its index")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Lets promtool check the metrics of a fresh service and Prometheus scrape them. The alerts pass their unit tests, Prometheus
evaluates them and the queries of the dashboard, and both name only metrics that the service has.
Usage: prometheus.py PATH_OF_FIB_HTTP"""

import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from clients import START, start_service

DEPLOY = pathlib.Path(__file__).parent.parent / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "dashboard.json"

NUMBERS = 7
SECONDS = 60

CONFIGURATION = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{alerts}"]
scrape_configs:
  - job_name: fib
    static_configs: [{{targets: ["{service}"]}}]
"""

# What Prometheus must know after a scrape: a query and its value. A family of each type is among them.
EXPECTED = {
    'up{job="fib"}': 1,
    "fib_http_position": START + NUMBERS,
    'fib_http_requests_total{method="GET",route="/",status="200"}': NUMBERS,
    'fib_http_requests_total{method="GET",route="other",status="404"}': 1,
    'fib_http_refusals_total{reason="head"}': 1,
    'fib_http_cut_responses_total{route="/"} or vector(0)': 0,
    "fib_http_step_seconds_count": NUMBERS,
    'fib_http_step_seconds_bucket{le="+Inf"}': NUMBERS,
    "fib_http_build_info": 1,
}


def fail(message):
    raise SystemExit(f"prometheus: {message}")


def ask(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=SECONDS) as response:
            return response.read()
    except urllib.error.HTTPError as error:
        return error.read()


def use(service):
    """Requests of each kind, so that each family has a sample."""
    for _ in range(NUMBERS):
        ask(service, "/")
    ask(service, "/nothing")
    host, port = service.split(":")
    with socket.create_connection((host, int(port))) as malformed:
        malformed.sendall(b"rubbish\r\n\r\n")
        while malformed.recv(4096):
            pass


def leave_stream(service):
    """A response that is cut, since the counter has no sample before. It takes numbers, so it comes last."""
    host, port = service.split(":")
    with socket.create_connection((host, int(port))) as stream:
        stream.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stream.recv(1)
    deadline = time.monotonic() + SECONDS
    while b"fib_http_cut_responses_total{" not in ask(service, "/metrics"):
        if time.monotonic() > deadline:
            fail("no response was cut")
        time.sleep(0.1)


def metric_names(address):
    """The names of all samples."""
    return set(re.findall(r"^\w+", ask(address, "/metrics").decode(), re.MULTILINE))


def check_names(address):
    """Alerts and dashboard name only metrics that exist."""
    known = metric_names(address)
    for file in [ALERTS, DASHBOARD]:
        named = set(re.findall(r"\bfib_http_\w+", file.read_text()))
        if not named or named - known:
            fail(f"{file.name} names {sorted(named - known)}, which /metrics lacks")


def promtool(*arguments, text=None):
    checked = subprocess.run(["promtool", *arguments], input=text, capture_output=True)
    if checked.returncode != 0 or checked.stderr:
        fail(f"promtool {' '.join(arguments)}: status {checked.returncode}, {(checked.stdout + checked.stderr).decode()}")


def evaluate(prometheus):
    """Prometheus understands each query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")
            answer = json.loads(ask(prometheus, "/api/v1/query?" + urllib.parse.urlencode({"query": text})))
            if answer["status"] != "success":
                fail(f"{panel['title']}: {answer}")


def rules_are_well(prometheus):
    """Whether Prometheus has evaluated every alert without an error."""
    try:
        groups = json.loads(ask(prometheus, "/api/v1/rules"))["data"]["groups"]
    except (OSError, ValueError):  # it is starting
        return False
    health = [rule["health"] for group in groups for rule in group["rules"]]
    return bool(health) and all(state == "ok" for state in health)


def query(prometheus, text):
    """The value of the only sample that answers a query, or None."""
    try:
        answer = json.loads(ask(prometheus, "/api/v1/query?" + urllib.parse.urlencode({"query": text})))
    except (OSError, ValueError):  # it is starting
        return None
    result = answer.get("data", {}).get("result", [])
    return float(result[0]["value"][1]) if len(result) == 1 else None


def scrape(service, folder):
    """Waits until Prometheus has all that is expected."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    file = folder / "prometheus.yml"
    file.write_text(CONFIGURATION.format(service=service, alerts=ALERTS.resolve()))
    prometheus = subprocess.Popen(
        ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address={address}",
         "--log.level=error"])
    try:
        deadline = time.monotonic() + SECONDS
        while True:
            seen = {text: query(address, text) for text in EXPECTED}
            if seen == EXPECTED and rules_are_well(address):
                evaluate(address)
                return query(address, 'scrape_samples_scraped{job="fib"}')
            if prometheus.poll() is not None:
                fail(f"prometheus ended with status {prometheus.returncode}")
            if time.monotonic() > deadline:
                fail(f"Prometheus has {seen}, not {EXPECTED}; {ask(address, '/api/v1/targets').decode()}")
            time.sleep(0.2)
    finally:
        prometheus.kill()
        prometheus.wait()


def main(program):
    service, address = start_service(program)
    threading.Thread(target=service.stderr.read, daemon=True).start()
    try:
        use(address)
        promtool("check", "metrics", text=ask(address, "/metrics"))
        promtool("check", "rules", str(ALERTS))
        promtool("test", "rules", str(ALERTS.with_name("alerts_test.yml")))
        with tempfile.TemporaryDirectory() as folder:
            samples = scrape(address, pathlib.Path(folder))
        leave_stream(address)
        check_names(address)
        service.terminate()
        if service.wait(SECONDS) != 0:
            fail(f"the service ended with status {service.returncode}")
    finally:
        service.kill()
        service.wait()
    print(f"promtool has no complaint, and Prometheus scraped {samples:.0f} samples")


if __name__ == "__main__":
    main(*sys.argv[1:])

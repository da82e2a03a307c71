"""Measures how long /healthz takes while another client keeps the service busy. Usage: waiting.py PATH_OF_FIB_HTTP SECONDS"""

import itertools
import re
import socket
import statistics
import subprocess
import sys
import time
from multiprocessing import Event, Process

BUSY = [
    # what the other client takes, the service's flags, and the paths that it asks for in turn
    ("nothing", [], []),
    ("numbers of 1 MB, without a pause", ["--start=5000000"], ["/"]),
    ("numbers of 20 MB, without a pause", ["--start=100000000"], ["/"]),
    ("F(10,000,000) by its index, computed each time", [], ["/fibonacci/10000000", "/fibonacci/9999999"]),
]


def exchange(connection, path):
    """Asks, and reads the whole response."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, rest = data.split(b"\r\n\r\n", 1)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"{path}: {head}")
    left = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) - len(rest)
    while left > 0:
        left -= len(receive(connection))


def receive(connection):
    data = connection.recv(1 << 20)
    if not data:
        raise SystemExit("the connection ended")
    return data


def keep_busy(port, paths, is_over):
    connection = socket.create_connection(("127.0.0.1", port))
    for path in itertools.cycle(paths):
        exchange(connection, path)
        if is_over.is_set():
            break


def measure(program, flags, paths, seconds):
    """The milliseconds that each request for /healthz took."""
    service = subprocess.Popen(["taskset", "-c", "0", program, "--port=0", *flags], stderr=subprocess.PIPE, text=True)
    try:
        port = next(int(found[1]) for line in service.stderr if (found := re.search(r"127\.0\.0\.1:(\d+)", line)))
        is_over = Event()
        if paths:
            busy = Process(target=keep_busy, args=(port, paths, is_over), daemon=True)
            busy.start()
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        times, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            start = time.perf_counter()
            exchange(connection, "/healthz")
            times.append((time.perf_counter() - start) * 1000)
            time.sleep(0.003)
        is_over.set()
        if paths:
            busy.join(60)
        return times
    finally:
        service.kill()


def main(program, seconds):
    print("| while another client takes | median | 99 % | maximum | answers |\n| --- | --: | --: | --: | --: |")
    for what, flags, paths in BUSY:
        times = measure(program, flags, paths, seconds)
        percentile = statistics.quantiles(times, n=100)[98]
        print(f"| {what} | {statistics.median(times):.2f} ms | {percentile:.2f} ms | {max(times):.1f} ms | {len(times):,} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

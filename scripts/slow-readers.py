"""Clients that do not read, and clients that read slowly. Usage: slow-readers.py PATH_OF_FIB_HTTP SECONDS"""

import asyncio
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
# The service's default, what each connection may take beside, and what the allocator may keep.
BUDGET = 256 * 1024 * 1024
CONNECTION = 32 * 1024
ALLOCATOR = 32 * 1024 * 1024
SILENT = 900
# Of a silent client that was cut, in seconds. If all came back at once, there would always be more of them than the budget
# has room for in the second that each is given.
PAUSE = 10
SLOW = 100
# Of the slow ones in a long run, bytes a second.
LOWEST_RATE = 2048
LONG_RUN = 60


def fail(message):
    sys.exit(f"slow-readers: {message}")


class Service:
    def __init__(self, program, start):
        self.log = tempfile.NamedTemporaryFile("r")
        with open(self.log.name, "w") as log:
            self.process = subprocess.Popen([program, "--port=0", f"--start={start}"], stderr=log)
        deadline = time.monotonic() + 60
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.text())):
            if time.monotonic() > deadline or self.process.poll() is not None:
                fail(f"the service does not start: {self.text()}")
            time.sleep(0.1)
        self.port = int(found[1])
        self.start = start

    def text(self):
        return pathlib.Path(self.log.name).read_text()

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024

    def queued(self):
        """What the system holds of what was written, also for connections that the service has given up."""
        total = 0
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1].endswith(f":{self.port:04X}"):
                total += int(fields[4].split(":")[0], 16)
        return total

    async def ask(self, path="/", tries=1):
        """The body of one response, and how long it took to its end. A refusal with 503 is tried again."""
        begin = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        writer.write(GET.replace(b"/", path.encode(), 1))
        head, length = await read_head(reader)
        body = await reader.readexactly(length)
        writer.close()
        if head.startswith(b"HTTP/1.1 503") and tries > 1:
            await asyncio.sleep(0.5)
            return await self.ask(path, tries - 1)
        if not head.startswith(b"HTTP/1.1 200"):
            fail(f"{path}: {head.decode()} {body[:200].decode()}")
        return body, time.monotonic() - begin

    async def metric(self, name):
        body, _ = await self.ask("/metrics")
        return float(re.search(rf"^fib_http_{name} (\S+)$", body.decode(), re.MULTILINE)[1])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=30) != 0:
            fail(f"it ended with status {self.process.returncode}: {self.text()}")
        if re.search("ERROR|panicked|new pass", self.text()):
            fail(self.text())


async def read_head(reader):
    head = await reader.readuntil(b"\r\n\r\n")
    return head, int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])


class Silent(asyncio.Protocol):
    """Asks and does not read. Asks again when it is cut."""

    def __init__(self, port):
        self.port = port

    def connection_made(self, transport):
        transport.pause_reading()
        transport.write(GET)
        # A paused transport does not see its end, and writing to it does.
        self.transport = transport

    def connection_lost(self, _):
        pass


async def stay_silent(port, cuts):
    loop = asyncio.get_running_loop()
    while True:
        transport, _ = await loop.create_connection(lambda: Silent(port), "127.0.0.1", port)
        try:
            while not transport.is_closing():
                await asyncio.sleep(1)
                # An empty line before a request is ignored.
                transport.write(b"\r\n")
            cuts.append(time.monotonic())
        finally:
            transport.abort()
        await asyncio.sleep(PAUSE)


async def silent_clients(program, seconds):
    service = Service(program, 10_000_000)
    await service.ask()
    before = service.resident()
    cuts, health, numbers = [], [], []
    tasks = [asyncio.create_task(stay_silent(service.port, cuts)) for _ in range(SILENT)]
    end, held, next_number = time.monotonic() + seconds, 0, time.monotonic() + 2
    while time.monotonic() < end:
        await asyncio.sleep(0.2)
        _, took = await service.ask("/healthz")
        health.append(took)
        held = max(held, service.resident() + service.queued())
        if time.monotonic() >= next_number:
            # A number that is not given within two seconds is refused, and times are not judged in short runs.
            body, took = await service.ask(tries=1 if seconds >= LONG_RUN else 60)
            if len(body) < 2_089_877:
                fail(f"a number of {len(body)} digits")
            numbers.append(took)
            next_number = time.monotonic() + 1
    position, restarts = await service.metric("position"), await service.metric("restarts_total")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    service.end()
    print(
        f"{SILENT} clients that do not read, for {seconds} s: {len(cuts)} were cut; at most {held / 2**20:.0f} MiB in the "
        f"process and in send queues, {before / 2**20:.0f} MiB before; /healthz {len(health)} times, "
        f"{max(health) * 1000:.0f} ms at most; {len(numbers)} others got a number, in {max(numbers):.2f} s at most; "
        f"position {position:.0f}",
        flush=True,
    )
    if held > before + BUDGET + SILENT * CONNECTION + ALLOCATOR:
        yield "that is more than the budget"
    if position < service.start + len(numbers) or restarts > 0:
        yield "the position was not kept"
    if seconds >= LONG_RUN and (max(health) > 0.1 or max(numbers) > 2):
        yield "that takes too long"


async def read_slowly(port, rate, length):
    """Reads a response in steps of a tenth of a second, and tells its length."""
    # The stream holds as little as it can, so that it is this rate at which the socket is read.
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
    writer.write(GET)
    head, expected = await read_head(reader)
    if not head.startswith(b"HTTP/1.1 200") or expected < length:
        fail(head.decode())
    received = 0
    try:
        while received < expected:
            piece = await reader.read(max(1, rate // 10))
            if not piece:
                break
            received += len(piece)
            await asyncio.sleep(len(piece) / rate)
    except OSError:
        pass
    writer.close()
    return received == expected


async def slow_clients(program, seconds):
    service = Service(program, 1_000_000)
    length = 208_988
    rate = LOWEST_RATE if seconds >= LONG_RUN else length // seconds
    fast, done = 0, asyncio.Event()

    async def read_fast():
        nonlocal fast
        while not done.is_set():
            body, _ = await service.ask()
            fast += len(body) >= length
            await asyncio.sleep(0.01)

    others = [asyncio.create_task(read_fast()) for _ in range(4)]
    whole = await asyncio.gather(*(read_slowly(service.port, rate, length) for _ in range(SLOW)))
    done.set()
    await asyncio.gather(*others)
    service.end()
    print(f"{SLOW} clients that read {rate} bytes a second: {sum(whole)} got their number whole; others got {fast}", flush=True)
    if not all(whole):
        yield "not all of them"


async def all_of(complaints):
    return [complaint async for complaint in complaints]


def main():
    program, seconds = sys.argv[1], int(sys.argv[2])
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    complaints = [*asyncio.run(all_of(silent_clients(program, seconds))), *asyncio.run(all_of(slow_clients(program, seconds)))]
    if complaints:
        fail("; ".join(complaints))


main()

"""Runs good, slow and hostile clients side by side. Usage: soak.py PATH_OF_FIB_HTTP MINUTES

Ends with status 1 as soon as the service breaks a promise. The tests check which refusal a hostile request gets; this
program only distinguishes refusals from numbers.
"""

import asyncio
import collections
import contextlib
import math
import random
import re
import signal
import socket
import sys
import time

PATIENCE = 120  # seconds, longer than any deadline of the service
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
PRIME = 2**61 - 1
CHUNK = 300  # digits to convert at a time


class Violation(Exception):
    """The service broke its promise."""


def fibonacci_modulo(n):
    """F(n) modulo PRIME, by doubling."""
    a, b = 0, 1
    for bit in bin(n)[2:]:
        a, b = a * (2 * b - a) % PRIME, (a * a + b * b) % PRIME
        if bit == "1":
            a, b = b, (a + b) % PRIME
    return a


def digits_modulo(digits):
    value = 0
    for at in range(0, len(digits), CHUNK):
        chunk = digits[at:at + CHUNK]
        value = (value * 10 ** len(chunk) + int(chunk)) % PRIME
    return value


def digit_count(n):
    """The number of digits of F(n), from Binet's closed form, whose log10 is nowhere near an integer for n up to 10^8."""
    return 1 if n < 2 else math.floor(n * math.log10((1 + math.sqrt(5)) / 2) - math.log10(5) / 2) + 1


class Service:
    """A process of the service, and a record of its numbers."""

    def __init__(self, name, start, megabytes, pause):
        self.name, self.start, self.megabytes, self.pause = name, start, megabytes, pause
        self.seen = set()
        self.given_up = 0  # requests for a number whose answer is incomplete: each may have consumed a number
        self.statuses = collections.Counter()
        self.peak = 0
        self.process = None

    async def launch(self, program):
        self.process = await asyncio.create_subprocess_exec(
            program, "--port=0", f"--start={self.start}", "--on-memory-limit=refuse", stderr=asyncio.subprocess.PIPE)
        while line := (await self.process.stderr.readline()).decode():
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        else:
            raise Violation(f"{self.name}: does not listen")
        self.last_line = asyncio.create_task(self.read_log())

    async def read_log(self):
        last = ""
        async for line in self.process.stderr:
            last = line.decode()
        return last

    @contextlib.asynccontextmanager
    async def connect(self, receive_buffer=None):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer or 2**16)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def record(self, index, body):
        """Checks and records a number that arrived whole."""
        if index in self.seen:
            raise Violation(f"{self.name}: F({index}) came twice")
        if not body.isdigit() or len(body) != digit_count(index) or digits_modulo(body) != fibonacci_modulo(index):
            raise Violation(f"{self.name}: F({index}) is wrong: {body[:40]}..., {len(body)} digits")
        self.seen.add(index)

    async def answer(self, reader, pace=None):
        """Reads one answer, records its number, returns status and index. `pace` is the bytes and seconds of each read."""
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            status, length = int(head[0].split()[1]), int(fields.get("content-length", 0))
            body = bytearray()
            while len(body) < length:
                if pace:
                    await asyncio.sleep(pace[1])
                piece = await reader.read(min(length - len(body), pace[0] if pace else 2**20))
                if not piece:
                    raise asyncio.IncompleteReadError(bytes(body), length)
                body += piece
        self.statuses[status] += 1
        if (index := fields.get("fibonacci-index")) is None:
            return status, None
        if status != 200:
            raise Violation(f"{self.name}: F({index}) with status {status}")
        self.record(int(index), bytes(body))
        return status, int(index)

    def memory(self):
        """The resident memory in MiB."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1]) / 1024

    async def stop(self):
        """Ends the process and checks that no number is missing without a reason."""
        self.process.send_signal(signal.SIGTERM)
        last = await asyncio.wait_for(self.last_line, PATIENCE)
        if (status := await self.process.wait()) != 0:
            raise Violation(f"{self.name}: ended with status {status}")
        after = int(re.search(r"F\((\d+)\)", last)[1])
        if self.seen and (min(self.seen) < self.start or max(self.seen) >= after):
            raise Violation(f"{self.name}: numbers outside {self.start} to {after - 1}")
        missing = after - self.start - len(self.seen)
        if missing > self.given_up:
            raise Violation(f"{self.name}: {missing} numbers are missing, but clients gave up only {self.given_up} requests")
        statuses = ", ".join(f"{status}: {count:,}" for status, count in sorted(self.statuses.items()))
        print(f"{self.name}: F({self.start:,}) to F({after - 1:,}); {len(self.seen):,} numbers arrived, each once and right; "
              f"{missing:,} were lost with the {self.given_up:,} requests that clients gave up; answers by status {statuses}; "
              f"at most {self.peak:.1f} MiB resident")


async def good(service):
    """Takes numbers over one connection, and expects them in order and nothing else."""
    async with service.connect() as (reader, writer):
        last = -1
        for _ in range(random.randint(1, 200)):
            writer.write(GET)
            status, index = await service.answer(reader)
            if status == 503:  # memory is short
                continue
            if status != 200 or index <= last:
                raise Violation(f"{service.name}: status {status}, F({index}) after F({last})")
            last = index
            await asyncio.sleep(service.pause)


async def healthy(service):
    """Asks for /healthz, which must answer while others misuse the service, and must not consume a number."""
    async with service.connect() as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if await service.answer(reader) != (200, None):
            raise Violation(f"{service.name}: /healthz")
    await asyncio.sleep(1)


async def pipelining(service):
    """Sends several requests at once and ends its sending side; all answers must still come."""
    async with service.connect() as (reader, writer):
        count = random.randint(2, 12)
        writer.write(GET * count)
        writer.write_eof()
        indices = [(await service.answer(reader))[1] for _ in range(count)]
        numbers = [index for index in indices if index is not None]
        if numbers != sorted(numbers) or await reader.read(1):
            raise Violation(f"{service.name}: pipelined {indices}")


async def slow_reading(service):
    """Reads through a small window with long pauses, so that the service has to hold back most of the answer."""
    async with service.connect(receive_buffer=8192) as (reader, writer):
        writer.write(GET)
        await until_cut(service, reader, 1, pace=(random.choice([4096, 32768]), random.uniform(0.01, 0.1)))


async def slow_sending(service):
    """Sends a request one byte at a time."""
    async with service.connect() as (reader, writer):
        with contextlib.suppress(OSError):
            for byte in GET:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(random.uniform(0, 0.2))
        await until_cut(service, reader, 1)


async def never_reading(service):
    async with service.connect(receive_buffer=4096) as (_, writer):
        count = random.randint(1, 3)
        writer.write(GET * count)
        service.given_up += count
        await asyncio.sleep(random.uniform(1, 90))


async def leaving(service):
    """Resets the connection before the answer or in the middle of it."""
    async with service.connect(receive_buffer=4096) as (reader, writer):
        writer.write(GET)
        service.given_up += 1
        if random.random() < 0.7:
            await reader.read(100)
    await asyncio.sleep(random.uniform(0, 0.1))


async def holding(service):
    """Opens connections that send nothing, or never finish the head of a request."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(random.randint(1, 20)):
            _, writer = await stack.enter_async_context(service.connect())
            writer.write(random.choice([b"", b"G", b"GET / HTTP/1.1\r\n", GET[:-2]]))
        await asyncio.sleep(random.uniform(1, 60))


FIELDS = b"Host: localhost\r\n"
# What hostile clients send, and the most numbers that it can ask for.
HOSTILE = [
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)), 0),  # a TLS hello
    (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    (b"GET /\r\n", 0),
    (b"GET / HTTP/3.0\r\n\r\n", 0),
    (b"\r\n" * 10_000, 0),
    (b"get / HTTP/1.1\r\n" + FIELDS + b"\r\n", 0),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"X: " + b"a" * 1_000_000, 0),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"X: a\r\n" * 1000 + b"\r\n", 1),
    (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + FIELDS + b"\r\n", 0),
    (b"GET /%00%ff/../.. HTTP/1.1\r\n" + FIELDS + b"\r\n", 1),
    (b"GET /missing HTTP/1.1\r\n" + FIELDS + b"\r\n", 0),
    (b"DELETE / HTTP/1.1\r\n" + FIELDS + b"\r\n", 0),
    (b"CONNECT localhost:80 HTTP/1.1\r\n" + FIELDS + b"\r\n", 0),
    (b"POST / HTTP/1.1\r\n" + FIELDS + b"Content-Length: 5\r\n\r\nhello", 0),
    (b"GET / HTTP/1.1\r\n\r\n", 1),
    (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Content-Length: +5\r\n\r\nhello", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Content-Length: 99999999999\r\n\r\n" + b"a" * 100_000, 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Content-Length: 10\r\n\r\nhalf", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Transfer-Encoding: chunked\r\n\r\n" + b"100\r\n" + b"a" * 256 + b"\r\n", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET, 2),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Sec-Purpose: prefetch\r\n\r\n", 1),
    (b"GET / HTTP/1.1\r\n" + FIELDS + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 1),
]


async def hostile(service):
    """Sends bytes that no honest client sends."""
    payload, numbers = random.choice(HOSTILE)
    async with service.connect() as (reader, writer):
        with contextlib.suppress(OSError):
            writer.write(payload)
            await writer.drain()
            if random.random() < 0.5:
                writer.write_eof()
        # This client leaves a connection that waits for more bytes.
        timer = asyncio.get_running_loop().call_later(random.uniform(1, 3), writer.transport.abort)
        await until_cut(service, reader, numbers)
        timer.cancel()


async def until_cut(service, reader, requests, pace=None):
    """Reads the answers to all requests, or up to the end of the connection; the other requests count as given up."""
    with contextlib.suppress(asyncio.IncompleteReadError, OSError):
        while True:
            _, index = await service.answer(reader, pace)
            if index is not None and requests == 0:
                raise Violation(f"{service.name}: F({index}) for a request that should be refused")
            requests = max(requests - 1, 0)
            if requests == 0 and index is not None:
                break
    service.given_up += requests


# Each kind of client, and how many of it run at a time.
CLIENTS = [(good, 4), (healthy, 1), (pipelining, 2), (slow_reading, 6), (slow_sending, 2), (never_reading, 6), (leaving, 2),
           (holding, 3), (hostile, 4)]


async def repeat(client, service, deadline):
    while time.monotonic() < deadline:
        await client(service)
        await asyncio.sleep(service.pause)


async def watch(services, begin, deadline):
    """Checks the memory each second, and prints a line of progress each half minute."""
    seconds = 0
    while time.monotonic() < deadline:
        for service in services:
            memory = service.memory()
            service.peak = max(service.peak, memory)
            if memory > service.megabytes:
                raise Violation(f"{service.name}: {memory:.1f} MiB resident")
            if seconds % 30 == 0:
                print(f"{time.monotonic() - begin:6.0f} s  {service.name}: {len(service.seen):,} numbers, "
                      f"{service.given_up:,} given up, {sum(service.statuses.values()):,} answers, {memory:.1f} MiB", flush=True)
        seconds += 1
        await asyncio.sleep(1)


async def main(program, minutes):
    services = [Service("short numbers", 0, 32, 0.01), Service("long numbers", 30_000_000, 128, 1)]
    begin = time.monotonic()
    deadline = begin + float(minutes) * 60
    try:
        for service in services:
            await service.launch(program)
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(services, begin, deadline))
            for service in services:
                for client, count in CLIENTS:
                    for _ in range(count):
                        group.create_task(repeat(client, service, deadline))
        for service in services:
            await service.stop()
    finally:
        for service in services:
            if service.process and service.process.returncode is None:
                service.process.kill()
                await service.process.wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except* Violation as violations:
        for violation in violations.exceptions:
            print(f"violation: {violation}", file=sys.stderr)
        sys.exit(1)

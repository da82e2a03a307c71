"""Kills the service again and again while clients take numbers. Usage: kill-loop.py PATH_OF_FIB_HTTP ROUNDS [SEED]

Ends with status 1 as soon as the service breaks a promise.
"""

import asyncio
import contextlib
import os
import random
import re
import signal
import sys
import tempfile
import threading

from promise import GET, Numbers, Violation

CONNECTIONS = 16
LONGEST = 0.3  # seconds that a process lives under load
PATIENCE = 60  # seconds, longer than anything takes
NUMBERS = Numbers()
STARTED = []  # all processes


class Life:
    """One life of the service, and what its clients saw."""

    def __init__(self, program, path):
        self.program, self.path = program, path
        self.received = []  # positions
        self.unanswered = 0  # requests that were sent, at least in part, without a complete response
        self.dying = False

    async def start(self):
        self.process = await asyncio.create_subprocess_exec(
            self.program, "--port=0", f"--position=file:{self.path}", stderr=asyncio.subprocess.PIPE)
        STARTED.append(self.process)
        self.log = []
        self.first = None
        while True:
            line = (await asyncio.wait_for(self.process.stderr.readline(), PATIENCE)).decode()
            if not line:
                raise Violation("it does not start: " + "".join(self.log))
            self.log.append(line)
            if found := re.search(r"(?:begins|goes on) at F\((\d+)\) of pass (\d+)", line):
                self.first = (int(found[2]), int(found[1]))
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return

    async def client(self):
        waiting = False
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            while not self.dying:
                waiting = True
                writer.write(GET)
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(re.findall(r"(?m)^([\w-]+): (.*)\r$", head.lower()))
                body = await reader.readexactly(int(fields["content-length"]))
                if not head.startswith("HTTP/1.1 200 "):
                    raise Violation(head)
                index = int(fields["fibonacci-index"])
                NUMBERS.check(index, body)
                self.received.append((int(fields["fibonacci-pass"]), index))
                waiting = False
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            if not self.dying:
                raise Violation("a connection was cut") from None
        self.unanswered += waiting

    async def end(self, seconds, signal_number):
        """Serves clients for so long, then sends the signal."""
        # In a thread of its own: between two steps of the clients the service would have nothing to do.
        def kill():
            self.dying = True
            os.kill(self.process.pid, signal_number)

        timer = threading.Timer(seconds, kill)
        timer.start()
        await asyncio.wait_for(asyncio.gather(*[self.client() for _ in range(CONNECTIONS)]), PATIENCE)
        timer.join()
        rest = await self.process.stderr.read()
        self.log += rest.decode().splitlines()
        return await self.process.wait()


def kill_all():
    for process in STARTED:
        if process.returncode is None:
            process.kill()


async def main(program, rounds, seed):
    chance = random.Random(seed)
    print(f"{rounds} kills, seed {seed}")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.callback(kill_all)
        path = os.path.join(folder, "position")
        seen, lost, unanswered = set(), 0, 0
        life = Life(program, path)
        await life.start()
        if life.first != (0, 0):
            raise Violation(f"it begins at {life.first}")
        for number in range(rounds + 1):
            is_last = number == rounds
            kind = signal.SIGTERM if is_last else signal.SIGKILL
            status = await life.end(chance.uniform(0, LONGEST), kind)
            if status != (0 if is_last else -signal.SIGKILL):
                raise Violation(f"status {status}: {life.log}")
            after = Life(program, path)
            await after.start()
            # All of pass 0: there is no shortage of memory here.
            taken = range(life.first[1], after.first[1])
            received = set(life.received)
            if len(received) < len(life.received) or received & seen:
                raise Violation("a position came twice")
            if strays := [position for position in received if position[0] != 0 or position[1] not in taken]:
                raise Violation(f"{sorted(strays)[:3]} are not in {taken}")
            missing = len(taken) - len(received)
            if missing > (0 if is_last else life.unanswered):
                raise Violation(f"{missing} numbers are missing, but only {life.unanswered} requests were cut")
            seen |= received
            lost += missing
            unanswered += life.unanswered
            life = after
        print(f"{len(seen)} numbers were received, each once; {lost} were taken and not received, by {unanswered} "
              f"requests that the kills cut; the last start went on at F({life.first[1]})")
        if len(seen) + lost != life.first[1]:
            raise Violation("the numbers do not add up")


if __name__ == "__main__":
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(10**6)))
    except Violation as violation:
        sys.exit(f"broken: {violation}")

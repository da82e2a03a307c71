"""Lets replicas share a position in PostgreSQL, and breaks the database. Usage: replicas.py PATH_OF_FIB_HTTP ROUNDS [SEED]

Ends with status 1 as soon as a promise is broken.
"""

import asyncio
import contextlib
import glob
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from promise import GET, Numbers, Violation

REPLICAS = 4
CONNECTIONS = 64
PATIENCE = 60  # seconds, longer than anything takes
PASSWORD = "correct-horse"
STARTED = []  # functions that end what was started
NUMBERS = Numbers()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Database:
    """A PostgreSQL server of its own. It does not run as root."""

    BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]

    def __init__(self, folder, name):
        self.data, self.log, self.port = f"{folder}/{name}", f"{folder}/{name}.log", free_port()
        self.folder = folder
        STARTED.append(self.kill)

    def run(self, program, *arguments, check=True):
        command = [f"{self.BIN}/{program}", *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if check and done.returncode:
            raise Violation(f"{command}: {done.stdout}")
        return done

    def create(self, *options):
        self.run("initdb", "--pgdata", self.data, "--username=fib", *(options or ["--auth=trust"]))

    def start(self):
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=50"
        deadline = time.monotonic() + PATIENCE
        # The processes that outlive a killed server for a moment keep the next one from starting.
        while (done := self.run("pg_ctl", "--pgdata", self.data, "--log", self.log, "-w", "-o", options, "start",
                                check=False)).returncode:
            if time.monotonic() > deadline:
                raise Violation(f"the database does not start: {done.stdout}")
            time.sleep(0.1)

    def kill(self):
        with contextlib.suppress(OSError, ValueError), open(f"{self.data}/postmaster.pid") as file:
            os.kill(int(file.readline()), signal.SIGKILL)

    def stop(self):
        self.run("pg_ctl", "--pgdata", self.data, "-m", "immediate", "-w", "stop")

    def sql(self, text):
        done = self.run("psql", "--host=127.0.0.1", f"--port={self.port}", "--username=fib", "--dbname=postgres",
                        "--tuples-only", "--no-align", f"--command={text}")
        return done.stdout.strip()

    def next(self):
        row = self.sql("SELECT pass, next_index FROM fib_http_position")
        return tuple(int(value) for value in row.split("|"))


class Proxy:
    """Passes bytes to the database. When told to, it cuts connections between a statement and its answer."""

    def __init__(self, database, chance):
        self.database, self.chance, self.cuts, self.done = database, chance, 0, 0

    async def start(self):
        self.server = await asyncio.start_server(self.connection, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def connection(self, reader, writer):
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self.database.port)
        except OSError:
            writer.transport.abort()
            return
        answers = asyncio.create_task(self.pass_on(server_reader, writer))
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                # A statement, not a handshake: Bind is its first message.
                if self.cuts and data[:1] == b"B":
                    self.cuts -= 1
                    self.done += 1
                    answers.cancel()
                    writer.transport.abort()
                    # Sometimes the statement is late.
                    await asyncio.sleep(self.chance.choice([0, 0, 0.02, 0.2]))
                    server_writer.write(data)
                    await asyncio.sleep(0.2)
                    break
                server_writer.write(data)
        answers.cancel()
        writer.transport.abort()
        server_writer.transport.abort()

    @staticmethod
    async def pass_on(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.transport.abort()


class Replica:
    """A process, and what its clients saw."""

    def __init__(self, program, url):
        self.program, self.url = program, url
        self.received, self.refused, self.log = [], 0, []

    async def start(self):
        environment = {**os.environ, "FIB_HTTP_POSITION": self.url}
        self.process = await asyncio.create_subprocess_exec(
            self.program, "--port=0", stderr=asyncio.subprocess.PIPE, env=environment)
        STARTED.append(self.kill)
        while True:
            line = (await asyncio.wait_for(self.process.stderr.readline(), PATIENCE)).decode()
            if not line:
                raise Violation("it does not start: " + "".join(self.log))
            self.log.append(line)
            if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                break
        self.reading = asyncio.create_task(self.read_log())
        return self

    async def read_log(self):
        while line := await self.process.stderr.readline():
            self.log.append(line.decode())

    def kill(self):
        if self.process.returncode is None:
            self.process.kill()

    async def stop(self):
        self.process.terminate()
        status = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await self.reading
        if status or any("skipped" in line for line in self.log):
            raise Violation(f"status {status}: {self.log}")

    async def get(self, reader, writer):
        """Takes a number and returns its position, or is refused."""
        writer.write(GET)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode()
        fields = dict(re.findall(r"(?m)^([\w-]+): (.*)\r$", head.lower()))
        body = await reader.readexactly(int(fields["content-length"]))
        if head.startswith("HTTP/1.1 503 ") and "retry-after" in fields:
            self.refused += 1
            return
        if not head.startswith("HTTP/1.1 200 "):
            raise Violation(head)
        index = int(fields["fibonacci-index"])
        NUMBERS.check(index, body)
        self.received.append((int(fields["fibonacci-pass"]), index))
        return self.received[-1]

    async def client(self, until):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        last = (-1, -1)
        while not until.is_set():
            if position := await self.get(reader, writer):
                # Between connections the order of arrival says nothing.
                if position <= last:
                    raise Violation(f"a replica gave {position} after {last}")
                last = position
        writer.close()

    async def goes_on(self):
        """Waits until it gives another number."""
        count, deadline = len(self.received), time.monotonic() + PATIENCE
        while len(self.received) == count:
            if time.monotonic() > deadline:
                raise Violation("it gives no numbers: " + "".join(self.log[-5:]))
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def load(replicas):
    """All connections take numbers. A failure of one of them ends the test."""
    until = asyncio.Event()
    clients = [asyncio.create_task(replicas[place % len(replicas)].client(until)) for place in range(CONNECTIONS)]
    try:
        yield
    finally:
        until.set()
        await asyncio.gather(*clients)


async def check_all(replicas, database, what):
    """Every position was received, and once. What is in hand for requests that have gone is fetched first."""
    for replica in replicas:
        reader, writer = await asyncio.open_connection("127.0.0.1", replica.port, limit=1 << 20)
        while True:
            await replica.get(reader, writer)
            # A replica gives its positions in order, and one that it has just taken is the last of all.
            if replica.received and replica.received[-1] == (0, database.next()[1] - 1):
                break
        writer.close()
    received = sorted(position for replica in replicas for position in replica.received)
    expected = [(0, index) for index in range(database.next()[1])]
    if received != expected:
        twice = len(received) - len(set(received))
        missing = sorted(set(expected) - set(received))
        raise Violation(f"{what}: {twice} came twice, {len(missing)} are missing, as {missing[:5]}")
    refused = sum(replica.refused for replica in replicas)
    print(f"{what}: {len(received)} numbers, each once and none skipped; {refused} requests refused", flush=True)


async def kills_and_cuts(program, folder, rounds, chance):
    database = Database(folder, "killed")
    database.create()
    database.start()
    proxy = Proxy(database, chance)
    await proxy.start()
    url = f"postgresql://fib@127.0.0.1:{proxy.port}/postgres"
    # All at once, so that they create the tables at the same time.
    replicas = await asyncio.gather(*[Replica(program, url).start() for _ in range(REPLICAS)])
    async with load(replicas):
        for number in range(rounds):
            for replica in replicas:
                await replica.goes_on()
            for _ in range(3):
                proxy.cuts += chance.randrange(1, 4)
                await asyncio.sleep(chance.uniform(0, 0.3))
            database.kill()
            await asyncio.sleep(chance.choice([0, 0.1, 2.5]) if number else 2.5)
            await asyncio.to_thread(database.start)
        proxy.cuts = 0
        for replica in replicas:
            await replica.goes_on()
    await check_all(replicas, database, f"{rounds} kills of the database, {proxy.done} cuts")
    for replica in replicas:
        await replica.stop()
    if (left := database.sql("SELECT count(*) FROM fib_http_replica")) != "0":
        raise Violation(f"{left} rows of replicas are left")
    database.stop()


async def restored_backup(program, folder):
    database = Database(folder, "restored")
    database.create()
    database.start()
    url = f"postgresql://fib@127.0.0.1:{database.port}/postgres"
    replicas = await asyncio.gather(*[Replica(program, url).start() for _ in range(REPLICAS)])
    async with load(replicas):
        for replica in replicas:
            await replica.goes_on()
    database.stop()
    shutil.copytree(database.data, f"{database.data}.backup", copy_function=shutil.copy2)
    subprocess.run(["chown", "-R", f"--reference={database.data}", f"{database.data}.backup"], check=True)
    database.start()
    async with load(replicas):
        for replica in replicas:
            await replica.goes_on()
        await asyncio.sleep(1)
        backup_next = database.next()
        await asyncio.to_thread(database.stop)
        shutil.rmtree(database.data)
        os.rename(f"{database.data}.backup", database.data)
        await asyncio.to_thread(database.start)
        for replica in replicas:
            await replica.goes_on()
    for replica in replicas:
        if len(set(replica.received)) < len(replica.received):
            raise Violation("a replica gave a number twice")
    if not any("has gone back" in line for replica in replicas for line in replica.log):
        raise Violation("nobody noticed the backup")
    if database.next() < backup_next:
        raise Violation("the database was not raised")
    print(f"a restored backup: noticed, and raised from before F({backup_next[1]})", flush=True)
    for replica in replicas:
        await replica.stop()
    database.stop()


async def failover(program, folder):
    primary, standby = Database(folder, "primary"), Database(folder, "standby")
    primary.create()
    with open(f"{primary.data}/postgresql.auto.conf", "a") as file:
        file.write("synchronous_standby_names = '*'\nwal_level = replica\n")
    primary.start()
    primary.run("pg_basebackup", "--host=127.0.0.1", f"--port={primary.port}", "--username=fib",
                f"--pgdata={standby.data}", "--write-recovery-conf", "--checkpoint=fast")
    standby.start()
    hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
    url = f"postgresql://fib@{hosts}/postgres?target_session_attrs=read-write"
    replicas = await asyncio.gather(*[Replica(program, url).start() for _ in range(REPLICAS)])
    async with load(replicas):
        for replica in replicas:
            await replica.goes_on()
        await asyncio.sleep(0.5)
        primary.kill()
        await asyncio.sleep(0.3)
        await asyncio.to_thread(standby.run, "pg_ctl", "--pgdata", standby.data, "-w", "promote")
        # Nobody follows the new primary yet, and it must not wait for that.
        standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.sql("SELECT pg_reload_conf()")
        for replica in replicas:
            await replica.goes_on()
        await asyncio.sleep(0.5)
    await check_all(replicas, standby, "a synchronous standby took over")
    for replica in replicas:
        await replica.stop()
    standby.stop()


async def refused(program, url, words):
    """The program says `words` about the database, and nothing of the password."""
    environment = {**os.environ, "FIB_HTTP_POSITION": url}
    process = await asyncio.create_subprocess_exec(
        program, "--port=0", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env=environment)
    STARTED.append(lambda: process.returncode is None and process.kill())
    log = ""
    while words not in log:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE)).decode()
        if not line:
            raise Violation(f"no '{words}' in: {log}")
        log += line
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
    log += (await process.stdout.read()).decode()
    await process.wait()
    if PASSWORD in log:
        raise Violation(f"the password is shown: {log}")


async def streams(program, folder):
    """Streams and other requests take numbers from the same replicas, and the database is killed once meanwhile."""
    database = Database(folder, "streamed")
    database.create()
    database.start()
    url = f"postgresql://fib@127.0.0.1:{database.port}/postgres"
    replicas = [await Replica(program, url).start() for _ in range(2)]

    async def stream(replica):
        curl = await asyncio.create_subprocess_exec(
            "curl", "--silent", "--fail", "--no-buffer", "--header", "Accept: text/event-stream",
            f"http://127.0.0.1:{replica.port}/stream?count=1000", stdout=asyncio.subprocess.PIPE, limit=1 << 20)
        text = (await asyncio.wait_for(curl.communicate(), PATIENCE))[0]
        events = re.findall(rb"id: (\d+)\ndata: (\d+)\n\n", text)
        indices = [int(index) for index, _ in events]
        if curl.returncode or len(events) != 1000 or indices != sorted(indices):
            raise Violation(f"a stream: status {curl.returncode}, {len(events)} numbers, from {indices[:3]} to {indices[-3:]}")
        for index, digits in events:
            NUMBERS.check(int(index), digits)
        replica.received += [(0, index) for index in indices]

    async with load(replicas):
        all_streams = [asyncio.create_task(stream(replica)) for replica in replicas * 4]
        await asyncio.sleep(0.3)
        database.kill()
        await asyncio.to_thread(database.start)
        await asyncio.gather(*all_streams)
    await check_all(replicas, database, "8 streams of 1,000 numbers beside 64 connections")
    for replica in replicas:
        await replica.stop()
    database.stop()


async def behind_nginx(program, folder):
    database = Database(folder, "proxied")
    with open(f"{folder}/password", "w") as file:
        file.write(PASSWORD)
    database.create("--auth=scram-sha-256", f"--pwfile={folder}/password")
    certificate = f"{database.data}/server.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                    "-keyout", f"{database.data}/server.key", "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["chown", f"--reference={database.data}", certificate, f"{database.data}/server.key"], check=True)
    with open(f"{database.data}/postgresql.auto.conf", "a") as file:
        file.write("ssl = on\n")
    with open(f"{database.data}/pg_hba.conf", "w") as file:
        file.write("hostssl all all 127.0.0.1/32 scram-sha-256\n")
    database.start()
    address = f"127.0.0.1:{database.port}/postgres"
    for url, words in [
        (f"postgresql://fib:{PASSWORD}@{address}", "no encryption"),
        (f"postgresql://fib:{PASSWORD}@{address}?sslmode=require", "certificate"),
        (f"postgresql://fib:x{PASSWORD}@{address}?sslmode=require&sslrootcert={certificate}", "password authentication failed"),
    ]:
        await refused(program, url, words)
    url = f"postgresql://fib@{address}?sslmode=verify-full&sslrootcert={certificate}"
    os.environ["PGPASSWORD"] = PASSWORD
    replicas = [await Replica(program, url).start() for _ in range(3)]
    port = free_port()
    servers = "".join(f"server 127.0.0.1:{replica.port};" for replica in replicas)
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(f"""pid {folder}/nginx.pid; daemon off; error_log stderr;
            events {{}}
            http {{ access_log off; upstream replicas {{ {servers} }}
                server {{ listen 127.0.0.1:{port};
                    location / {{ proxy_pass http://replicas; proxy_set_header Host localhost; }} }} }}""")
    nginx = subprocess.Popen(["nginx", "-c", f"{folder}/nginx.conf", "-p", folder], stderr=subprocess.DEVNULL)
    STARTED.append(nginx.kill)
    curl = ["curl", "--silent", "--fail", "--retry", "9", "--retry-connrefused", f"http://127.0.0.1:{port}/"]
    numbers = [int(subprocess.run(curl, check=True, stdout=subprocess.PIPE).stdout) for _ in range(30)]
    a, b, expected = 0, 1, []
    for _ in numbers:
        expected.append(a)
        a, b = b, a + b
    if numbers != expected:
        raise Violation(f"through nginx: {numbers}")
    print(f"curl through nginx to 3 replicas, which use TLS and a password: {', '.join(map(str, numbers[:10]))}, ...", flush=True)
    nginx.terminate()
    nginx.wait()
    # A request with a false precondition takes no position, so another replica gives the next number.
    for replica, condition, expected in [
        (replicas[0], "If-None-Match: *", " 304"), (replicas[0], 'If-Match: "x"', " 412"), (replicas[1], "X: y", f"{a} 200"),
    ]:
        curl = ["curl", "--silent", "--write-out", " %{http_code}", "--header", condition, f"http://127.0.0.1:{replica.port}/"]
        answer = subprocess.run(curl, check=True, stdout=subprocess.PIPE, text=True).stdout
        if not answer.endswith(expected):
            raise Violation(f"{condition}: {answer} instead of {expected}")
    for replica in replicas:
        metrics = subprocess.run(["curl", "--silent", f"http://127.0.0.1:{replica.port}/metrics"], check=True,
                                 stdout=subprocess.PIPE, text=True).stdout
        if not int(re.search(r"(?m)^fib_http_position_statements_total (\d+)", metrics)[1]):
            raise Violation("a replica gave nothing")
        await replica.stop()
    database.stop()


async def main(program, rounds, seed):
    program = os.path.abspath(program)
    chance = random.Random(seed)
    print(f"{rounds} rounds, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        try:
            await kills_and_cuts(program, folder, rounds, chance)
            await restored_backup(program, folder)
            await failover(program, folder)
            await streams(program, folder)
            await behind_nginx(program, folder)
        finally:
            for end in STARTED:
                with contextlib.suppress(ProcessLookupError):
                    end()


if __name__ == "__main__":
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(2**32)
    try:
        asyncio.run(main(sys.argv[1], int(sys.argv[2]), seed))
    except Violation as violation:
        sys.exit(f"replicas: {violation}")

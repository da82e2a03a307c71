"""Measures numbers whose position is in PostgreSQL beside pgbench. Usage: postgres.py FOLDER_OF_PROGRAMS ROUNDS

In each round pgbench updates one row for three seconds, then runs the statement by which fib-http takes positions for three
seconds, both with one client; then `http` measures fib-http with 64 connections and with one. The database is on the servers'
core and on the client's, as the system chooses; all of them share both cores.
"""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "scripts"))
from replicas import Database

SOURCE = pathlib.Path(__file__).parent.parent / "fib-http/src/position/postgres/enabled/statements.rs"
SECONDS = 3


def take():
    """The statement by which fib-http takes a batch of one position, for replica 1 in its first session."""
    text = re.search(r'const TAKE: &str = "(.*?)";', SOURCE.read_text(), re.S)[1]
    for parameter, value in (("$1", "1"), ("$2", "1"), ("$3", "7"), ("$4", "1")):
        text = text.replace(parameter, value)
    return text + ";\n"


def pgbench(database, statement):
    """The statements a second of one client."""
    script = pathlib.Path(database.folder, "statement.sql")
    script.write_text(statement)
    done = database.run("pgbench", "--host=127.0.0.1", f"--port={database.port}", "--username=fib", "--no-vacuum",
                        "--protocol=prepared", f"--time={SECONDS}", f"--file={script}", "postgres")
    return float(re.search(r"tps = ([\d.]+)", done.stdout)[1])


def numbers(programs, folder, url, connections):
    """The numbers a second of fib-http over this many connections."""
    requests = 4000 if connections > 1 else 1000
    done = subprocess.run(
        ["taskset", "-c", "1", f"{programs}/http", "--fib-http", f"{programs}/fib-http", "--bare", f"{programs}/bare",
         "--folder", folder, "--only=small", f"--position={url}", f"--connections={connections}", "--rounds=1",
         f"--requests={requests}"],
        check=True, stdout=subprocess.PIPE, text=True)
    return float(re.search(r"fib-http, postgresql \| ([\d,]+)", done.stdout)[1].replace(",", ""))


def main(programs, rounds):
    programs = os.path.abspath(programs)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as nginx:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        database = Database(folder, "bench")
        database.create()
        database.start()
        try:
            url = f"postgresql://fib@127.0.0.1:{database.port}/postgres"
            numbers(programs, nginx, url, 1)  # makes the tables
            database.sql("CREATE TABLE one_row (id int PRIMARY KEY, value bigint); INSERT INTO one_row VALUES (1, 0)")
            database.sql("INSERT INTO fib_http_replica VALUES (1, 1, 0, 0, 0, 0, now())")
            update = "UPDATE one_row SET value = value + 1 WHERE id = 1;\n"
            samples = []
            for _ in range(rounds):
                samples.append((pgbench(database, update), pgbench(database, take()),
                                numbers(programs, nginx, url, 64), numbers(programs, nginx, url, 1)))
                print(f"round {len(samples)} of {rounds}", file=sys.stderr)
        finally:
            database.stop()
    median = [statistics.median(column) for column in zip(*samples)]
    for name, value in zip(("pgbench, one-row update, 1 client", "pgbench, fib-http's statement, 1 client",
                            "fib-http, 64 connections", "fib-http, 1 connection"), median):
        print(f"{name}: {value:,.0f} a second")
    many = statistics.median(sample[2] / sample[0] for sample in samples)
    one = statistics.median(sample[1] / sample[3] for sample in samples)
    print(f"64 connections: {many:.1f} times as many numbers as updates of one row")
    print(f"1 connection: {one:.2f} times the time of the statement")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

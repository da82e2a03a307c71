"""Lets real clients take numbers from a fresh service. Usage: clients.py PATH_OF_FIB_HTTP"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

# Numbers of 209 digits and more.
START = 1000
# How many numbers each client takes alone, and how many when all clients run at once.
ALONE = 50
TOGETHER = 500
# The largest index of a whole number.
MAX_INDEX = 1_000_000

# Each client takes COUNT numbers from URL and prints `INDEX DIGITS` for each.
PYTHON = """
import sys, {library} as library
with library.{session}() as session:
    for _ in range(int(sys.argv[2])):
        response = session.get(sys.argv[1])
        response.raise_for_status()
        assert response.json() == int(response.text)
        print(response.headers["Fibonacci-Index"], response.text)
"""

NODE = """
const [url, count] = process.argv.slice(2);
for (let i = 0; i < count; i++) {
    const response = await fetch(url, { headers: { accept: "text/plain" } });
    if (!response.ok) throw new Error(response.status);
    console.log(response.headers.get("fibonacci-index"), await response.text());
}
"""

GO = """
package main

import ("fmt"; "io"; "net/http"; "os"; "strconv")

func main() {
    count, _ := strconv.Atoi(os.Args[2])
    for i := 0; i < count; i++ {
        response, err := http.Get(os.Args[1])
        if err != nil { panic(err) }
        body, err := io.ReadAll(response.Body)
        response.Body.Close()
        if err != nil || response.StatusCode != 200 { panic(fmt.Sprint(response.Status, err)) }
        fmt.Println(response.Header.Get("Fibonacci-Index"), string(body))
    }
}
"""

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream fib {{ server {service}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://fib;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host:$server_port;
            # A retried request would take another number.
            proxy_next_upstream off;
        }}
    }}
}}
"""

HAPROXY = """
defaults
    mode http
    retries 0
    timeout connect 10s
    timeout client 60s
    timeout server 60s
listen fib
    bind 127.0.0.1:{port}
    server one {service}
"""


# What a request that fits the description may get: besides what schemathesis expects, a condition may fail, and a range may be
# beyond the number.
SCHEMATHESIS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", "403", "404", "412", "416", "5xx"]
"""

# schemathesis reads responses to their ends, so a stream needs one, and soon.
HOOKS = """
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path == "/stream":
        count = (case.query or {}).get("count", "")
        if count == "" or str(count).isdecimal() and int(count) > 100:
            case.query = {**(case.query or {}), "count": 100}
"""


def fail(message):
    raise SystemExit(f"clients: {message}")


def start_service(program):
    # Python takes long to parse the longest numbers that there are by default.
    command = [program, "--port", "0", "--start", str(START), "--max-index", str(MAX_INDEX)]
    service = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for line in service.stderr:
        if found := re.search(r"listening on http://(127\.0\.0\.1:\d+)", line):
            return service, found[1]
    fail(f"the service ended with status {service.wait()}")


def start_proxy(command, template, folder, service):
    """Starts a proxy in front of the service. Returns its process and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    name = command[0]
    file = folder / f"{name}.conf"
    file.write_text(template.format(folder=folder, service=service, port=port))
    proxy = subprocess.Popen([*command, str(file)])
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return proxy, f"127.0.0.1:{port}"
        except ConnectionRefusedError:
            if proxy.poll() is not None:
                fail(f"{name} ended with status {proxy.returncode}")
            time.sleep(0.1)
    fail(f"{name} does not listen")


def clients(folder, service, nginx, haproxy):
    """For each client its name, the address that it asks, and the command that takes URL and COUNT."""
    (folder / "node.mjs").write_text(NODE)
    (folder / "go.go").write_text(GO)
    subprocess.run(["go", "build", "-o", folder / "go", folder / "go.go"], check=True, env=go_environment(folder))
    requests = PYTHON.format(library="requests", session="Session")
    httpx = PYTHON.format(library="httpx", session="Client")
    # curl sends all requests on one connection.
    curl = ["bash", "-c", r"""printf "url=$0\n%.0s" $(seq "$1") |
        curl -fsS -H 'Accept: text/plain' -w ' %header{fibonacci-index}\n' -K - | awk '{print $2, $1}'"""]
    return [
        ("curl", service, curl),
        ("requests", service, [sys.executable, "-c", requests]),
        ("httpx", service, [sys.executable, "-c", httpx]),
        ("node", service, ["node", folder / "node.mjs"]),
        ("go", service, [folder / "go"]),
        ("curl through nginx", nginx, curl),
        ("curl through HAProxy", haproxy, curl),
    ]


def go_environment(folder):
    return {"PATH": "/usr/local/go/bin:/usr/bin:/bin", "HOME": str(folder), "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}


def take(name, address, command, count):
    """Runs a client, checks its numbers, and returns their indices."""
    done = subprocess.run([*command, f"http://{address}/", str(count)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        fail(f"{name} ended with status {done.returncode}")
    pairs = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    if len(pairs) != count:
        fail(f"{name} took {len(pairs)} numbers, not {count}")
    for index, number in pairs:
        if number != fibonacci(index):
            fail(f"{name}: F({index}) is not {number}")
    return [index for index, _ in pairs]


def by_index(folder, address):
    """Lets curl and wget take a number by its index in parts: a range, and the rest of a download that broke off."""
    index = MAX_INDEX
    url = f"http://{address}/fibonacci/{index}"
    whole = subprocess.run(["curl", "-fsS", url], check=True, stdout=subprocess.PIPE).stdout
    modulus = 10**1000
    if len(whole) != 208_988 or int(whole[-1000:]) != fibonacci_modulo(index, modulus):
        fail(f"F({index}) is wrong")
    ends = [("0-19", whole[:20]), ("-20", whole[-20:]), ("1000-1999", whole[1000:2000])]
    for part, expected in ends:
        got = subprocess.run(["curl", "-fsS", "-r", part, url], check=True, stdout=subprocess.PIPE).stdout
        if got != expected:
            fail(f"curl -r {part} got {got[:100]}")
    file = folder / "number"
    for command in (["curl", "-fsS", "-C", "-", "-o", file, url], ["wget", "-q", "-c", "-O", file, url]):
        file.write_bytes(whole[:100_000])
        # What is there already shows whether it was fetched again.
        with file.open("r+b") as start:
            start.write(b"x")
        subprocess.run(command, check=True)
        if file.read_bytes() != b"x" + whole[1:]:
            fail(f"{command[0]} did not go on with its download")
    print("a number by its index: curl -r, curl -C - and wget -c get its parts")


def fibonacci_modulo(index, modulus):
    a, b = 0, 1
    for bit in bin(index)[2:]:
        a, b = a * (2 * b - a) % modulus, (a * a + b * b) % modulus
        if bit == "1":
            a, b = b, (a + b) % modulus
    return a


def fibonacci(index, known=[0, 1]):
    while len(known) <= index:
        known.append(known[-1] + known[-2])
    return known[index]


def main(program):
    processes = []
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            service, address = start_service(program)
            processes.append(service)
            # Later log messages must not fill the pipe.
            threading.Thread(target=service.stderr.read, daemon=True).start()
            nginx, nginx_address = start_proxy(["nginx", "-c"], NGINX, folder, address)
            processes.append(nginx)
            haproxy, haproxy_address = start_proxy(["haproxy", "-f"], HAPROXY, folder, address)
            processes.append(haproxy)
            everyone = clients(folder, address, nginx_address, haproxy_address)

            following = START
            for name, where, command in everyone:
                indices = take(name, where, command, ALONE)
                if indices != list(range(following, following + ALONE)):
                    fail(f"{name} took {indices}, not those from {following} on")
                following += ALONE
                print(f"{name}: {ALONE} numbers, in order and right")

            taken, errors = [], []
            def run(client):
                try:
                    taken.append(take(*client, TOGETHER))
                except SystemExit as error:
                    errors.append(error)
            threads = [threading.Thread(target=run, args=(client,)) for client in everyone]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if errors:
                raise errors[0]
            if any(indices != sorted(indices) for indices in taken):
                fail("a client took numbers out of order")
            total = len(everyone) * TOGETHER
            if sorted(sum(taken, [])) != list(range(following, following + total)):
                fail("a number was lost or came twice")
            print(f"all at once: {total} numbers, each once")

            by_index(folder, address)

            tool = pathlib.Path(sys.executable).with_name("schemathesis")
            # schemathesis keeps a cache in the folder in which it runs.
            settings = folder / "schemathesis.toml"
            settings.write_text(SCHEMATHESIS)
            (folder / "hooks_for_streams.py").write_text(HOOKS)
            command = [tool, "--config-file", settings, "run", f"http://{address}/openapi.json"]
            # Otherwise Python refuses to parse more than 4,300 digits.
            environment = {**os.environ, "PYTHONINTMAXSTRDIGITS": "0", "PYTHONPATH": str(folder),
                           "SCHEMATHESIS_HOOKS": "hooks_for_streams"}
            subprocess.run(command, check=True, cwd=tool.parent, env=environment)
            service.terminate()
            if service.wait(60) != 0:
                fail(f"the service ended with status {service.returncode}")
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])

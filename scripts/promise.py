"""What kill-loop.py and replicas.py check in the same way."""

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/plain\r\n\r\n"
MODULUS = 10**9


class Violation(Exception):
    """The service broke a promise."""


class Numbers:
    """The last nine digits of all Fibonacci numbers."""

    def __init__(self):
        self.known = [0, 1]

    def check(self, index, digits):
        while len(self.known) <= index:
            self.known.append((self.known[-2] + self.known[-1]) % MODULUS)
        if int(digits[-9:]) != self.known[index]:
            raise Violation(f"F({index}) is wrong")

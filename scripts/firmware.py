"""Checks the output of a firmware program: every number from F(0) on, the end, and the restart by the guard."""

import re
import sys
from decimal import Decimal, getcontext

ENDS = 20  # digits that are printed at either end of a long number

# Decimal adds and prints in linear time, and it is exact if it has enough digits.
getcontext().prec = 100_000

with open(sys.argv[1], encoding="ascii") as file:
    lines = file.read().splitlines()

a, b = Decimal(0), Decimal(1)
index = 0
while lines[index].startswith(f"F({index}) = "):
    digits = str(a)
    short = f"{digits[:ENDS]}...{digits[-ENDS:]} ({len(digits)} digits)"
    printed = lines[index].partition(" = ")[2]
    assert printed in (digits, short), f"F({index}) is {digits}: {lines[index]}"
    a, b = b, a + b
    index += 1

assert index > 1000, f"only {index} numbers"
assert re.fullmatch(rf"F\({index}\): (the number does not fit its storage|the allocator has no memory .*)", lines[index])
assert re.fullmatch(r"the guard refused F\(\d+\); F\(0\) came again, and now F\(1\) = 1", lines[-1]), lines[-1]

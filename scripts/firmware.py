"""Checks the output of a firmware program: every number from F(0) on, the end, and what comes after it."""

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
ends = "the number does not fit its storage|the allocator has no memory .*|Exhausted { cause: Capacity }"
assert re.fullmatch(rf"F\({index}\): ({ends})", lines[index]), lines[index]

for line in lines[index + 1 :]:
    if binary := re.fullmatch(r"F\((\d+)\) = (.*)", line):
        a, b = 0, 1
        for _ in range(int(binary[1])):
            a, b = b, a + b
        assert binary[2] == hex(a), f"F({binary[1]}) is {a:#x}: {line}"

refused = r"the guard refused F\(\d+\); F\(0\) came again, and now F\(1\) = 1"
assert re.fullmatch(rf"{refused}|Demand {{ held: 192, additional: 0 }}", lines[-1]), lines[-1]

"""Proves that `Decimal::digits_for` and `Binary::bits_for` are exact for every index below 2^64.

F(n) is (φ^n - ψ^n)/√5 with ψ = -1/φ, so its logarithm in base b is x(n) + t(n), where x(n) = n·log φ - log √5 and
|t(n)| < φ^(-2n) for n > 1. F(n) has floor(x(n) + t(n)) + 1 digits. fib-core/src/radix.rs computes floor(n·S - O) instead,
with the slope S and the offset O rounded to multiples of 2^-128. The two floors can only differ where x(n) is as close to
an integer as the sum of these errors. The proof has three parts:

1. The errors are below CLOSE for every n from SMALL up to 2^64 (`check_errors`).
2. For n below SMALL the formula is compared with the numbers themselves (`check_small`).
3. All n below 2^64 where x(n) is within CLOSE of an integer are found, and the formula is compared with x(n) at each
   (`check_close`). There are a few dozen.

Part 3 asks for the n with n·log φ mod 1 in an interval around log √5 mod 1. With log φ replaced by P/Q this is a question
about integers: the smallest n with low <= n·P mod Q <= high. `first` answers it with the steps of Euclid's algorithm on P
and Q, that is, along the continued fraction of P/Q. Q is 2^400, so that n·|log φ - P/Q| is below 2^-330 for all n below
2^64, and the interval is widened by more than that: no n is missed.

The constants are read from radix.rs, so that what is proved is what is compiled.
"""

import re
from decimal import Decimal, getcontext
from math import floor
from pathlib import Path

getcontext().prec = 200  # Decimal's ln is correctly rounded, so each logarithm has an error below 10^-190.

LIMIT = 2**64
UNIT = 2**128  # the constants of radix.rs are in units of 1/UNIT
Q = 2**400
CLOSE = Decimal(2) ** -60
SLACK = Decimal(2) ** -300  # above n·|log φ - P/Q|, and above the errors of Decimal
SMALL = 100

SQRT5 = Decimal(5).sqrt()
PHI = (1 + SQRT5) / 2


def constant(name):
    source = Path(__file__).parent.parent / "fib-core/src/radix.rs"
    found = re.findall(rf"^const {name}: u128 = (0x[0-9a-f_]+);$", source.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(found) == 1, f"{name} is not in {source}"
    return int(found[0], 16)


def formula(n, slope, offset):
    """`floor_log` of radix.rs."""
    return (n * slope - offset) // UNIT


def first(a, m, low, high):
    """The smallest x >= 0 with low <= a·x mod m <= high, for 0 <= a < m and 0 <= low <= high < m, or None.

    The first x with a·x >= low is the answer if a·x <= high. Else no multiple of a lies in [low, high], and the answer has
    low <= a·x - m·y <= high for some y > 0. Since floor(low / a) = floor(high / a), taking that many a off all sides leaves
    low mod a <= (-m·y) mod a <= high mod a: the same question modulo a. The smallest y gives the smallest x.
    Where a is above m/2, the mirror image -a·x mod m is solved instead, so that each step halves the modulus at least.
    """
    if low == 0:
        return 0
    if a == 0:
        return None
    if 2 * a > m:
        return first(m - a, m, m - high, m - low)
    x = -(-low // a)
    if a * x <= high:
        return x
    y = first(-m % a, a, low % a, high % a)
    return None if y is None else -(-(low + m * y) // a)


def all_within(a, m, low, high, limit):
    """Every x with 0 <= x < limit and low <= a·x mod m <= high, in order."""
    x = 0
    while True:
        # The interval as it is seen from x. If it wraps around, then 0 is in it.
        shift = a * x % m
        shifted_low, shifted_high = (low - shift) % m, (high - shift) % m
        step = 0 if shifted_low > shifted_high else first(a, m, shifted_low, shifted_high)
        if step is None or x + step >= limit:
            return
        x += step
        yield x
        x += 1


def check_first():
    """`first` and `all_within` against trying every x, for small moduli."""
    for m in range(2, 24):
        for a in range(m):
            for low in range(m):
                for high in range(low, m):
                    expected = [x for x in range(m) if low <= a * x % m <= high]
                    assert first(a, m, low, high) == (expected[0] if expected else None)
                    assert list(all_within(a, m, low, high, m)) == expected


def check_errors(log_phi, log_sqrt5, slope, offset):
    rounding = LIMIT * abs(Decimal(slope) / UNIT - log_phi) + abs(Decimal(offset) / UNIT - log_sqrt5)
    assert rounding + PHI ** (-2 * SMALL) + SLACK < CLOSE


def check_small(count, length, above):
    f, following = 0, 1
    for n in range(SMALL):
        # The indices below `above` do not use the formula; tests of the crate cover them.
        if n >= above:
            assert count(n) == length(f), f"F({n})"
        f, following = following, f + following


def check_close(log_phi, log_sqrt5, slope, offset):
    p = floor(log_phi * Q)
    low, high = floor((log_sqrt5 % 1 - CLOSE - SLACK) * Q), floor((log_sqrt5 % 1 + CLOSE + SLACK) * Q) + 1
    assert 0 < low < high < Q
    found = []
    for n in all_within(p, Q, low, high, LIMIT):
        x = n * log_phi - log_sqrt5
        distance = x - x.to_integral_value()
        if n >= SMALL:
            assert abs(distance) > PHI ** (-2 * SMALL) + SLACK, "x(n) does not decide"
            assert formula(n, slope, offset) == floor(x), f"F({n})"
        found.append((abs(distance), n, distance))
    return sorted(found)


def prove(what, base, count, length, above, slope, offset, integer):
    """`integer` is the integer part of log √5, which `offset` leaves out."""
    log_phi, log_sqrt5 = PHI.ln() / Decimal(base).ln(), SQRT5.ln() / Decimal(base).ln() - integer
    check_errors(log_phi, log_sqrt5, slope, offset)
    check_small(count, length, above)
    found = check_close(log_phi, log_sqrt5, slope, offset)
    print(f"{what}: exact for every n below 2^64; n·log φ - log √5 is within 2^-60 of an integer for {len(found)} of them")
    for _, n, distance in found[:4]:
        print(f"  n = {n}: {distance:+.3e}, {count(n)} {what}")


check_first()

PHI_10, SQRT5_10 = constant("LOG10_PHI"), constant("LOG10_SQRT5")
prove("digits", 10, lambda n: formula(n, PHI_10, SQRT5_10) + 1, lambda f: len(str(f)), 2, PHI_10, SQRT5_10, 0)

PHI_2, SQRT5_2 = constant("LOG2_PHI"), constant("LOG2_SQRT5_FRACTION")
prove("bits", 2, lambda n: formula(n, PHI_2, SQRT5_2), int.bit_length, 4, PHI_2, SQRT5_2, 1)

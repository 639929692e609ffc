"""Sets of numbers as runs, compared with plain sets. For MicroPython."""
# ruff: noqa: B905, RUF007  (MicroPython's zip has no strict, and there is no itertools)

import random

from bordstein.ranges import Ranges


def test_ranges_are_sets():
    random.seed(5)
    ranges, model = Ranges(), set()
    for _ in range(4000):
        boot, first = random.randint(1, 3), random.randint(0, 60)
        last = first + random.randint(0, 9)
        numbers = {(boot, number) for number in range(first, last + 1)}
        free = sorted(number for _, number in numbers - model)
        assert ranges.count(boot, first, last) == len(numbers & model)
        assert ranges.first_free(boot, first, last) == (free[0] if free else -1)
        assert ranges.last_free(boot, first, last) == (free[-1] if free else -1)
        if random.randint(0, 1):
            ranges.add(boot, first, last)
            model |= numbers
        else:
            ranges.remove(boot, first, last)
            model -= numbers
        runs = ranges.runs
        assert runs == sorted(runs)
        assert all(a[0] != b[0] or a[2] + 1 < b[1] for a, b in zip(runs, runs[1:]))
        assert {(run[0], number) for run in runs for number in range(run[1], run[2] + 1)} == model

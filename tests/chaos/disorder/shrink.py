"""Shrinking: the fewest steps of a plan that still find its fault."""

from collections.abc import Callable

# What a plan cannot do without.
_NEEDED = ("shop", "end")


def shrink(steps: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """Leaves out halves, quarters and so on down to single steps, as long as the rest fails. A fault that
    does not come each time may be taken for one that is gone: the result fails, but may be too long."""
    size = len(steps) // 2
    while size:
        begin = 0
        while begin < len(steps):
            cut = steps[begin:begin + size]
            rest = steps[:begin] + [each for each in cut if each.split()[0] in _NEEDED] \
                + steps[begin + size:]
            if len(rest) < len(steps) and fails(rest):
                steps = rest
            else:
                begin += size
        size //= 2
    return steps

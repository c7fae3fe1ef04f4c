"""What every benchmark does with its figures: rounds of steps, medians, tables, bars."""

import pathlib
import statistics
import sys
import tempfile

from machine import ForeignCpu
from systems import Troupe, compiled

SLOW_FLUSH_US = 1000
# Behind the name of a system that runs another release's programs.
OTHER_RELEASE = ", other"

# Of a line, what is printed and written; the first three are there in most.
_FIGURES = ("rate_per_s", "p50_us", "p99_us", "confirmed_p50_us", "broker_cpu_us", "worker_cpu_us",
            "broker_flushes", "worker_flushes", "flush_us", "publish_per_s", "gateway_cpu_us",
            "cpu_us", "gateway_mb")


class Series:
    """The figures of one bench in one series: {(system, work, window): [line, ...]}."""

    def __init__(self, bench, series):
        self.bench, self.series = bench, series
        self.lines = {}

    def add(self, line):
        key = (line["system"], line["work"], line["window"])
        self.lines.setdefault(key, []).append(line)

    def median(self, system, work, window, what="rate_per_s"):
        """Nothing if that was not measured."""
        lines = self.lines.get((system, work, window), [])
        values = [line[what] for line in lines if what in line]
        return statistics.median(values) if values else None

    def best_modes(self):
        """Leaves, of a system with several modes, the one whose median rate is the best."""
        for key in [key for key in self.lines if any("mode" in line for line in self.lines[key])]:
            modes = {}
            for line in self.lines[key]:
                modes.setdefault(line["mode"], []).append(line)
            self.lines[key] = max(modes.values(), key=lambda lines: statistics.median(
                line["rate_per_s"] for line in lines))

    def ratio(self, over, under, what="rate_per_s"):
        a, b = self.median(*over, what), self.median(*under, what)
        return a / b if a and b else None

    def records(self):
        for (system, work, window), lines in self.lines.items():
            yield {"bench": self.bench, "system": system, "work": work, "series": self.series,
                   "window": window,
                   **{what: round(self.median(system, work, window, what), 2)
                      for what in _FIGURES if any(what in line for line in lines)},
                   **_spread(lines), "runs": len(lines)}


def _spread(lines):
    """The least and the highest rate of all rounds."""
    rates = [line["rate_per_s"] for line in lines if "rate_per_s" in line]
    return {"rate_low_per_s": min(rates), "rate_high_per_s": max(rates)} if rates else {}


def say(text):
    print(text, flush=True)


def note(text):
    print(text, file=sys.stderr, flush=True)


def measure(series, steps, given, processor):
    """Runs all `steps(run)` of each run. A step is a function that starts what it needs, if that
    does not run yet, and gives a line, or nothing; it is told which systems of the round run
    already."""
    for run in range(given.runs):
        with tempfile.TemporaryDirectory(prefix="troupe-bench-", dir=given.data) as folder:
            started = {}
            foreign = ForeignCpu(processor)
            try:
                for step in steps(run):
                    line = step(started, pathlib.Path(folder))
                    if line is None:
                        continue
                    if line["failures"]:
                        note(f"  {line['failures']} failures of {line['system']} {line['work']} at "
                             f"{line['window']}: {line.get('first_failure', '')}")
                    series.add(line)
            finally:
                pids = [pid for system in started.values() for pid in system.pids()]
                busy = foreign.cores(pids)
                for system in started.values():
                    system.stop()
        note(f"{series.bench} {series.series}: round {run + 1} of {given.runs}; others used "
             f"{busy:.2f} of {foreign.processors()} processor(s) meanwhile")
    series.best_modes()


def ask(given, kind, *arguments, **settings):
    """A step that loads the system `kind(...)`, one for all steps of a round that ask for it by the
    same name (`named`), with one of its ways to (`do`)."""
    name = settings.pop("named", kind.__name__) + given.release
    do = settings.pop("do", "load")

    def step(started, folder):
        if name not in started:
            started[name] = kind(given, folder / name, **settings)
        line = getattr(started[name], do)(*arguments)
        return line and line | {"system": line["system"] + given.release}
    step.kind = kind
    return step


def end(*names):
    """A step that stops systems of the round: what is not asked any more is not to disturb."""
    def step(started, _folder):
        for name in (each + release for each in names for release in ("", OTHER_RELEASE)):
            if name in started:
                started.pop(name).stop()
    return step


def flush_gauge(given):
    return compiled("flush_gauge.c", given.build, "-shared", "-fPIC", "-ldl")


def slow(given):
    """Settings of a system whose disk takes a millisecond more to flush."""
    return {"preload": flush_gauge(given), "slow_flush_us": SLOW_FLUSH_US}


def beside(steps, others):
    """The steps of a round by its number: each with our programs and, if it runs any, with those of
    another release. They change places from round to round: who comes first is up to 10 % faster."""
    def of_round(run):
        for step, other in zip(steps, others):
            if getattr(step, "kind", None) is not Troupe:
                yield step
            else:
                yield from (step, other) if run % 2 == 0 else (other, step)
    return of_round


def versus(series, words, least):
    """What each figure is beside the one of the other programs, which `words` name, and what is to be left of that."""
    for system, work, window in series.lines:
        if system.endswith(OTHER_RELEASE):
            ours = system.removesuffix(OTHER_RELEASE)
            bar(f"{ours}, {work} at {window} / {words}",
                series.ratio((ours, work, window), (system, work, window)), least)


def table(series):
    say(f"\n{series.bench}, {series.series}; medians")
    say(f"  {'system':<22}{'work':<34}{'window':>7}{'per second':>13}{'p50 us':>11}{'p99 us':>11}"
        f"   from .. to per second")
    for line in filter(lambda record: "rate_per_s" in record, series.records()):
        times = "".join(f"{line[what]:>11,.1f}" if what in line else f"{'':>11}"
                        for what in ("p50_us", "p99_us"))
        say(f"  {line['system']:<22}{line['work']:<34}{line['window']:>7}"
            f"{line['rate_per_s']:>13,.0f}{times}"
            f"   {line['rate_low_per_s']:,.0f} .. {line['rate_high_per_s']:,.0f}")


def bar(text, ratio, bound, at_most=False):
    if ratio is None:
        return say(f"  {text}: not measured")
    met = ratio <= bound if at_most else ratio >= bound
    say(f"  {text}: {ratio:.3f}x, bar {'<=' if at_most else '>='} {bound}x: "
        f"{'met' if met else 'MISSED'}")
    return None

#!/usr/bin/python3
"""Does anything to shops in any order, drawn from a seed: kills, stops, freezes and starts nodes of two
releases and brokers, moves clocks, renames capabilities, restores copies. Afterwards the books must be right.

Exit status: 0 all went well, 1 something did not, 2 it could not be run.
"""

import argparse
import pathlib
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import episode  # noqa: E402
import plan  # noqa: E402
import restore_steps  # noqa: E402, F401 (it adds its steps)
from fault_points import points_in  # noqa: E402
from episode import Skipped  # noqa: E402
from shop import SOURCE, Fault  # noqa: E402
from shrink import shrink  # noqa: E402
from steps import STEPS  # noqa: E402

PROGRAMS = ("troupe", "troupe-broker", "troupe-worker", "shop-place-orders")


class Runs:
    """Episodes, one after the other."""

    def __init__(self, wanted: argparse.Namespace, releases: dict[str, pathlib.Path]) -> None:
        self._wanted = wanted
        self._releases = releases
        self.done = 0
        self.cut_short = 0
        self.faults: list[str] = []

    def run(self, steps: list[str], title: str, again: str) -> str:
        """One episode. A fault keeps its folder. @return the first line of the fault, or nothing."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="troupe-disorder-"))
        (folder / "plan").write_text("".join(step + "\n" for step in steps))
        print(f"== {title}", flush=True)
        found = ""
        try:
            episode.run(steps, folder, self._releases, STEPS, self._tell)
        except Fault as fault:
            print(f"FAULT {fault}\n  again: {again}\n  its steps: --steps {folder}/plan\n"
                  f"  databases and logs: {folder}", flush=True)
            self.faults.append(title)
            found = str(fault).splitlines()[0]
        except Skipped as why:
            print(f"  cut short: {why}", flush=True)
            self.cut_short += 1
            self._leave(folder)
        else:
            self._leave(folder)
        self.done += 1
        return found

    def shrink(self, steps: list[str]) -> list[str]:
        """The fewest of these steps that find the same."""
        known = self.run(steps, "all steps", "")
        if not known:
            return steps
        return shrink(steps, lambda rest: self.run(rest, f"{len(rest)} steps", "") == known)

    def _leave(self, folder: pathlib.Path) -> None:
        if self._wanted.keep:
            print(f"  databases and logs: {folder}")
        else:
            shutil.rmtree(folder)

    def _tell(self, line: str) -> None:
        if not self._wanted.quiet:
            print(line, flush=True)


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="disorder", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--bin", type=pathlib.Path, default=SOURCE / "build" / "dev" / "bin", help="folder of the programs")
    add("--before", type=pathlib.Path, help="folder of the programs of the release before")
    add("--seed", type=int, help="of everything that is drawn (default: any)")
    add("--episode", type=int, help="this one alone of the seed")
    add("--minutes", type=float, default=1.0, help="begin no episode after that (default 1)")
    add("--deeds", type=int, default=8, help="how many there are at once in an episode (default 8)")
    add("--without", default="", metavar="DEEDS", help="leave these out, such as clock,rename")
    add("--steps", type=pathlib.Path, metavar="FILE", help="instead of what a seed says: these steps, a line each")
    add("--shrink", action="store_true", help="with --steps: look for the fewest of them that find the same fault")
    add("--keep", action="store_true", help="keep all folders, not only those of faults")
    add("--quiet", action="store_true", help="do not tell the steps")
    return parser.parse_args(words)


def find_releases(wanted: argparse.Namespace) -> dict[str, pathlib.Path]:
    releases = {"new": wanted.bin.absolute()}
    if wanted.before is not None:
        releases["before"] = wanted.before.absolute()
    else:
        print("   no release before is given (--before): all nodes are of one release")
    for folder in releases.values():
        for program in PROGRAMS:
            if not (folder / program).exists():
                raise FileNotFoundError(f"{folder / program} is missing")
    return releases


def main(words: list[str]) -> int:
    wanted = parse(words)
    try:
        releases = find_releases(wanted)
        runs = Runs(wanted, releases)
        steps = wanted.steps.read_text().splitlines() if wanted.steps else []
        if steps and wanted.shrink:
            print("\n".join(["these are left:", *runs.shrink(steps)]))
        elif steps:
            runs.run(steps, str(wanted.steps), f"--steps {wanted.steps}")
        else:
            run_seed(wanted, runs, tuple(releases))
    except OSError as fault:
        print(f"disorder: {fault}", file=sys.stderr)
        return 2
    print(f"{'GOOD' if not runs.faults else 'NOT GOOD'}  {runs.done} episodes, {runs.cut_short} cut short, "
          f"{len(runs.faults)} with faults" + "".join(f"\n  {each}" for each in runs.faults))
    return 1 if runs.faults else 0


def run_seed(wanted: argparse.Namespace, runs: Runs, releases: tuple[str, ...]) -> None:
    seed = random.SystemRandom().randrange(1_000_000) if wanted.seed is None else wanted.seed
    until = time.monotonic() + 60 * wanted.minutes
    number = wanted.episode or 1
    points = points_in(SOURCE)
    without = tuple(each for each in wanted.without.split(",") if each)
    more = f" --deeds {wanted.deeds}" + (f" --before {wanted.before}" if wanted.before else "") \
        + (f" --without {wanted.without}" if without else "")
    while True:
        runs.run(plan.draw(seed, number, releases, wanted.deeds, without, points),
                 f"seed {seed}, episode {number}", f"--seed {seed} --episode {number}{more}")
        number += 1
        if wanted.episode is not None or time.monotonic() > until:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

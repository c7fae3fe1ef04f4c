"""What `./dev fuzz` runs: each fuzzer of a parser, then the protocol fuzzer against a real broker.

A finding of a parser is kept as found/TARGET/crash-..., and its last lines are shown. Inputs that reached
something new are kept in found/TARGET/corpus and are where the next run begins.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROTOCOL = "protocol"
INPUT_BYTES_MAX = 8192
# A hang: inputs of 8 KiB take microseconds.
INPUT_SECONDS_MAX = 20


def targets() -> list[str]:
    return sorted(each.name.removesuffix("_fuzz.cpp") for each in HERE.glob("*_fuzz.cpp"))


def fuzz_parser(target: str, words: argparse.Namespace) -> bool:
    """Runs one fuzzer for its time. True if it found nothing."""
    found = words.found / target
    (found / "corpus").mkdir(parents=True, exist_ok=True)
    own = HERE / f"{target}.dict"
    run = subprocess.run(
        [str(words.fuzzers / f"{target}_fuzz"), f"-max_total_time={round(words.minutes * 60)}",
         f"-dict={own if own.exists() else HERE / 'messages.dict'}", f"-max_len={INPUT_BYTES_MAX}",
         f"-timeout={INPUT_SECONDS_MAX}", f"-artifact_prefix={found}/", f"-seed={words.seed}",
         "-print_final_stats=1", str(found / "corpus"), str(HERE / "corpus" / target)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        stdin=subprocess.DEVNULL, check=False, preexec_fn=lambda: os.nice(10))
    executed = re.search(r"number_of_executed_units: (\d+)", run.stdout)
    edges = re.findall(r"\bcov: (\d+)", run.stdout)
    print(f"{target}: {int(executed[1]) if executed else 0:,} executions, "
          f"{edges[-1] if edges else '?'} edges, "
          f"{'nothing found' if run.returncode == 0 else f'A FINDING, kept in {found}'}", flush=True)
    if run.returncode != 0:
        print("\n".join(run.stdout.splitlines()[-60:]), flush=True)
    return run.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="./dev fuzz", description="Fuzz parsers, and the protocol against a real broker.")
    parser.add_argument("targets", nargs="*", metavar="TARGET",
                        help=f"of {', '.join([*targets(), PROTOCOL])}; without any: all")
    parser.add_argument("--minutes", type=float, default=1, help="for each target (default 1)")
    parser.add_argument("--jobs", type=int, default=2, help="fuzzers of parsers at once (default 2)")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big") + 1,
                        help="of what is random; any if not given")
    parser.add_argument("--fuzzers", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--bin", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--found", type=pathlib.Path, help="where findings are kept")
    words = parser.parse_args()
    words.found = words.found or words.fuzzers.parent / "found"
    unknown = set(words.targets) - {*targets(), PROTOCOL}
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    wanted = words.targets or [*targets(), PROTOCOL]
    print(f"seed {words.seed}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(max(1, words.jobs)) as pool:
        good = all(list(pool.map(lambda each: fuzz_parser(each, words),
                                 [each for each in wanted if each != PROTOCOL])))
    if PROTOCOL in wanted:
        run = subprocess.run(
            [sys.executable, str(HERE / "protocol" / "protocol_test.py"), "--seed", str(words.seed),
             "--seconds", str(round(words.minutes * 60))],
            env={**os.environ, "TROUPE_BIN": str(words.bin)}, check=False)
        good = good and run.returncode == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

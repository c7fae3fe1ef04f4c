"""Clocks: each machine of a shop has a wall clock of its own, which a test may move at any time."""

import pathlib
import shutil
import struct
import subprocess

_SHIM = pathlib.Path(__file__).with_name("clock_shim.c")


class Clocks:
    """A file for each machine, and the library that makes a process go by it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._library = folder / "clock_shim.so"
        self._ahead: dict[str, int] = {}
        self.jumped = False
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("c++")
        if compiler is None:
            raise FileNotFoundError("no C compiler, which the clocks need")
        subprocess.run([compiler, "-x", "c", "-O1", "-shared", "-fPIC", "-o", str(self._library),
                        str(_SHIM), "-ldl"], check=True)

    def environment(self, machine: str) -> dict[str, str]:
        """What a process of that machine is to be started with."""
        self._write(machine)
        return {"LD_PRELOAD": str(self._library), "TROUPE_CLOCK_FILE": str(self._path(machine))}

    def jump(self, machine: str, seconds: int) -> None:
        self._ahead[machine] = self._ahead.get(machine, 0) + seconds
        self.jumped = True
        self._write(machine)

    def set_right(self) -> None:
        for machine in self._ahead:
            self._ahead[machine] = 0
            self._write(machine)

    def _path(self, machine: str) -> pathlib.Path:
        return self._folder / f"clock-{machine}"

    def _write(self, machine: str) -> None:
        """In place: processes have the file mapped."""
        path = self._path(machine)
        path.touch()
        with path.open("r+b") as file:
            file.write(struct.pack("=q", self._ahead.get(machine, 0) * 1_000_000_000))

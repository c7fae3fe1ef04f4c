"""Copies of databases, and what people do with them: put an older one in the place of a newer one, or the
one that was thought lost back in its place."""

import contextlib
import pathlib
import shutil
import sqlite3

from shop import Shop

# Parts of a database that is not open.
_PARTS = ("", "-wal", "-shm")


class Copies:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._folder = shop.folder / "copies"

    def owners(self, database: str) -> list[str]:
        """Who has it open: the broker that keeps the journal, or the workers."""
        nodes = self._shop.nodes.values()
        return ["b1"] if database == "journal" else [each.name for each in nodes if not each.is_broker]

    def take_live(self, label: str) -> None:
        """With SQLite's own means, while everything runs: a file without WAL for each."""
        folder = self._fresh(label)
        for path in sorted(self._shop.data.glob("*.db")):
            source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
            with contextlib.closing(source), \
                    contextlib.closing(sqlite3.connect(folder / path.name)) as target:
                source.backup(target)

    def take_cold(self, label: str) -> None:
        """File by file, with the WALs, while nothing runs."""
        shutil.copytree(self._shop.data, self._fresh(label), dirs_exist_ok=True)

    def put_everything(self, label: str) -> None:
        """Nothing may run."""
        shutil.rmtree(self._shop.data)
        shutil.copytree(self._folder / label, self._shop.data)

    def put(self, database: str, label: str) -> None:
        """Its owners may not run. The files that were there are kept as the lost ones."""
        lost = self._fresh(f"lost-{database}")
        self._move(self._shop.data, lost, database)
        for part in _PARTS:
            path = self._folder / label / f"{database}.db{part}"
            if path.exists() and part != "-shm":
                shutil.copy2(path, self._shop.data)

    def has(self, label: str) -> bool:
        return (self._folder / label).exists()

    def put_back(self, database: str) -> None:
        """The lost files are found again. Its owners may not run."""
        self._move(self._shop.data, self._fresh(f"void-{database}"), database)
        self._move(self._folder / f"lost-{database}", self._shop.data, database)

    def _fresh(self, label: str) -> pathlib.Path:
        folder = self._folder / label
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    @staticmethod
    def _move(source: pathlib.Path, to: pathlib.Path, database: str) -> None:
        for part in _PARTS:
            path = source / f"{database}.db{part}"
            if path.exists():
                shutil.move(path, to / path.name)

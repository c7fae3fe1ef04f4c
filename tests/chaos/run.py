"""Run: all that a check works on, read before anything is compared."""

import dataclasses
import functools
import pathlib

import wishes
from databases import Books
from findings import Findings
from topology import Topology

# Clocks of two processes of one machine, read one after the other.
CLOCK_MS = 1_000
# Clocks of two machines.
CLOCKS_MS = 60_000


@dataclasses.dataclass
class Run:
    """What is known of a run of the shop."""

    data: pathlib.Path
    books: Books
    findings: Findings
    topology: Topology
    log: wishes.ClientLog
    # By line of the file of orders; None without one.
    wishes: dict[int, wishes.Wish] | None
    delivery: wishes.Delivery | None
    # Lines of the provider's log; None without one.
    provider: list[tuple[str, str, bytes, int]] | None
    published: set[tuple[bytes, int]] | None
    spool: pathlib.Path | None
    # The first and the last moment of the run, in milliseconds since 1970.
    begin: int = 0
    end: int = 0

    @property
    def only_load(self) -> bool:
        """Whether the client whose log is known is the only one. Without a log people may have asked
        for anything: notes, breakers, more stock."""
        return self.log.known

    @functools.cached_property
    def decline_over(self) -> int:
        return self.topology.number("payments", "decline_over", 100_000)

    @functools.cached_property
    def low_at(self) -> int:
        return self.topology.number("inventory", "low_at", 10)

    @functools.cached_property
    def shelves(self) -> dict[str, wishes.Shelf]:
        """As delivered, or as the inventory says it was."""
        if self.delivery is not None:
            return self.delivery.shelves
        return {row["sku"]: wishes.Shelf(row["price_cents"], row["currency"], row["initial"])
                for row in self.books["inventory"].rows("stock")}

"""The invariants of the shop: each is a query that must return no row."""

import dataclasses
import sqlite3

import event_invariants
import journal
from books import ClientLog, as_key

TITLES = {
    "I1": "stock is conserved: initial = available + held",
    "I2": "reserved = ordered, for each order and SKU",
    "I3": "money, for each order: captured - refunded = its amount, or 0",
    "I3b": "never captured twice, never refunded more than captured",
    "I4": "what the client was told is what the books say",
    "I4b": "one id, one answer",
    "I5": "every saga ended, or is parked with a reason",
    "I6": "undone in exactly reverse order, each step once",
    "I7": "journal without gaps, epochs rise, one start, one end",
    "I8": "journal and participants agree on each step",
    **event_invariants.TITLES,
}

# What holds at every moment; the rest only once nothing is under way.
ALWAYS = ("I1", "I3b", "I7", *event_invariants.ALWAYS)

_VIEWS = """
CREATE TEMP VIEW held AS
  SELECT order_id, sku, SUM(quantity) AS quantity, SUM(quantity * price_cents) AS cents
  FROM inventory.reservations WHERE state = 'held' GROUP BY order_id, sku;
CREATE TEMP TABLE money AS
  SELECT order_id,
    SUM(CASE kind WHEN 'capture' THEN amount_cents ELSE 0 END) AS captured,
    SUM(CASE kind WHEN 'refund' THEN amount_cents ELSE 0 END) AS refunded,
    SUM(kind = 'capture') AS captures
  FROM payments.ledger GROUP BY order_id;
CREATE UNIQUE INDEX money_orders ON money (order_id);
CREATE TEMP TABLE provided AS
  SELECT order_id,
    SUM(CASE kind WHEN 'capture' THEN cents ELSE 0 END) AS captured,
    SUM(CASE kind WHEN 'refund' THEN cents ELSE 0 END) AS refunded,
    SUM(kind = 'capture') AS captures, SUM(kind = 'refund') AS refunds
  FROM provider GROUP BY order_id;
CREATE UNIQUE INDEX provided_orders ON provided (order_id);
"""

# (invariant, what is wrong, query of keys and details)
_QUERIES = (
    ("I1", "initial, available, held: {}, {}, {}", """
     WITH h AS (SELECT sku, SUM(quantity) AS quantity FROM held GROUP BY sku)
     SELECT sku, initial, available, COALESCE(h.quantity, 0)
     FROM inventory.stock LEFT JOIN h USING (sku)
     WHERE available < 0 OR initial <> available + COALESCE(h.quantity, 0)"""),
    ("I1", "{} held of a product that is not in stock", """
     SELECT sku, SUM(quantity) FROM held
     WHERE sku NOT IN (SELECT sku FROM inventory.stock) GROUP BY sku"""),
    ("I2", "confirmed with {1} of {0} and {2} held", """
     SELECT o.order_id, l.sku, l.quantity, COALESCE(h.quantity, 0)
     FROM orders.orders o JOIN orders.order_lines l USING (order_id)
     LEFT JOIN held h ON h.order_id = l.order_id AND h.sku = l.sku
     WHERE o.state = 'confirmed' AND h.quantity IS NOT l.quantity"""),
    ("I2", "{1} of {0} are held, and the order has none", """
     SELECT h.order_id, h.sku, h.quantity FROM held h JOIN orders.orders o USING (order_id)
     WHERE NOT EXISTS (SELECT 1 FROM orders.order_lines l
                       WHERE l.order_id = h.order_id AND l.sku = h.sku)"""),
    ("I2", "cancelled, and {1} of {0} are held", """
     SELECT h.order_id, h.sku, h.quantity FROM held h JOIN orders.orders o USING (order_id)
     WHERE o.state = 'cancelled'"""),
    ("I3", "{}: amount {}, captured {}, refunded {}", """
     SELECT o.order_id, o.state, o.amount_cents, COALESCE(captured, 0), COALESCE(refunded, 0)
     FROM orders.orders o LEFT JOIN money USING (order_id)
     WHERE o.state <> 'created' AND COALESCE(captured - refunded, 0)
       <> CASE o.state WHEN 'confirmed' THEN o.amount_cents ELSE 0 END"""),
    ("I3", "confirmed for {} cents; the goods held for it cost {}", """
     WITH worth AS (SELECT order_id, SUM(cents) AS cents FROM held GROUP BY order_id)
     SELECT o.order_id, o.amount_cents, cents FROM orders.orders o JOIN worth USING (order_id)
     WHERE o.state = 'confirmed' AND o.amount_cents IS NOT cents"""),
    ("I3", "payment is `{}`, the ledger has captured {} and refunded {}", """
     SELECT p.order_id, p.state, COALESCE(captured, 0), COALESCE(refunded, 0)
     FROM payments.payments p LEFT JOIN money USING (order_id)
     WHERE (p.state IN ('charging', 'declined', 'cancelled') AND COALESCE(captured, 0) <> 0)
        OR (p.state = 'charged' AND (COALESCE(captured, 0) = 0 OR refunded <> 0))
        OR (p.state = 'refunded' AND (COALESCE(captured, 0) = 0 OR captured <> refunded))"""),
    ("I3", "{}: the ledger says {}, the provider {}", """
     SELECT o.order_id, o.state, COALESCE(m.captured - m.refunded, 0),
       COALESCE(p.captured - p.refunded, 0)
     FROM orders.orders o LEFT JOIN money m USING (order_id)
     LEFT JOIN provided p ON p.order_id = o.order_id
     WHERE (SELECT known FROM has_provider) AND o.state <> 'created'
       AND COALESCE(m.captured - m.refunded, 0) <> COALESCE(p.captured - p.refunded, 0)"""),
    ("I3b", "in the ledger: {} captures of {}, refunded {}", """
     SELECT order_id, captures, captured, refunded FROM money
     WHERE captures > 1 OR refunded > captured"""),
    ("I3b", "by the provider: {} captures of {}, {} refunds of {}", """
     SELECT order_id, captures, captured, refunds, refunded FROM provided
     WHERE captures > 1 OR refunds > 1 OR refunded > captured"""),
    ("I3b", "key {} was used for {} transfers", """
     SELECT MIN(order_id), key, COUNT(*) FROM provider GROUP BY key HAVING COUNT(*) > 1"""),
    ("I4", "lost: acknowledged for {}, the order is {}", """
     SELECT a.order_id, a.total, COALESCE(o.state, 'not there')
     FROM asked a LEFT JOIN orders.orders o USING (order_id)
     WHERE a.outcome = 'ok' AND o.state IS NOT 'confirmed'"""),
    ("I4", "acknowledged for {}, confirmed for {}", """
     SELECT a.order_id, a.total, o.amount_cents FROM asked a JOIN orders.orders o USING (order_id)
     WHERE a.outcome = 'ok' AND o.state = 'confirmed' AND a.total IS NOT o.amount_cents"""),
    ("I4", "answered with an error that says nothing happened; the order is {}", """
     SELECT a.order_id, o.state FROM asked a JOIN orders.orders o USING (order_id)
     WHERE a.outcome = 'fail' AND o.state = 'confirmed'"""),
    ("I4", "answered with an error that says nothing happened; {} of {} are held", """
     SELECT a.order_id, h.quantity, h.sku FROM asked a JOIN held h USING (order_id)
     WHERE a.outcome = 'fail'"""),
    ("I4", "answered with an error that says nothing happened; captured {}, refunded {}", """
     SELECT a.order_id, captured, refunded FROM asked a JOIN money USING (order_id)
     WHERE a.outcome = 'fail' AND captured <> refunded"""),
    ("I4", "unexpected: nobody asked for this order, which is {}", """
     SELECT order_id, state FROM orders.orders
     WHERE (SELECT known FROM has_client) AND order_id NOT IN (SELECT order_id FROM asked)"""),
    ("I4", "confirmed with {1} of {0}; line {3} of the orders asks for {2}", """
     SELECT a.order_id, l.sku, l.quantity, COALESCE(w.quantity, 0), a.line
     FROM asked a JOIN orders.orders o USING (order_id) JOIN orders.order_lines l USING (order_id)
     LEFT JOIN wishes w ON w.line = a.line AND w.sku = l.sku
     WHERE (SELECT known FROM has_wishes) AND o.state = 'confirmed' AND a.line IS NOT NULL
       AND w.quantity IS NOT l.quantity"""),
    ("I4", "line {2} of the orders asks for {1} of {0}; the confirmed order has none", """
     SELECT a.order_id, w.sku, w.quantity, a.line
     FROM asked a JOIN orders.orders o USING (order_id) JOIN wishes w ON w.line = a.line
     WHERE o.state = 'confirmed' AND NOT EXISTS (
       SELECT 1 FROM orders.order_lines l WHERE l.order_id = o.order_id AND l.sku = w.sku)"""),
    ("I7", "row {} follows row {}", """
     SELECT saga, seq, before FROM (
       SELECT saga, seq, COALESCE(LAG(seq) OVER w, 0) AS before FROM order_saga.saga_journal
       WINDOW w AS (PARTITION BY saga ORDER BY seq)) WHERE seq <> before + 1"""),
    ("I7", "row {} has epoch {} after {}", """
     SELECT saga, seq, epoch, before FROM (
       SELECT saga, seq, epoch, COALESCE(LAG(epoch) OVER w, 1) AS before
       FROM order_saga.saga_journal WINDOW w AS (PARTITION BY saga ORDER BY seq))
     WHERE epoch < before"""),
    ("I7", "the journal has epoch {}, the saga {}", """
     SELECT j.saga, MAX(j.epoch), s.epoch FROM order_saga.saga_journal j
     JOIN order_saga.sagas s ON s.id = j.saga GROUP BY j.saga HAVING MAX(j.epoch) > s.epoch"""),
    ("I7", "{} starts, {} ends, first kind {}", """
     SELECT saga, SUM(kind = 1), SUM(kind IN (7, 8)), MAX(CASE seq WHEN 1 THEN kind END)
     FROM order_saga.saga_journal GROUP BY saga
     HAVING SUM(kind = 1) <> 1 OR SUM(kind IN (7, 8)) > 1
       OR MAX(CASE seq WHEN 1 THEN kind END) IS NOT 1"""),
    ("I7", "row {} comes after the end", """
     SELECT j.saga, j.seq FROM order_saga.saga_journal j
     WHERE j.kind NOT IN (7, 8) AND EXISTS (
       SELECT 1 FROM order_saga.saga_journal e
       WHERE e.saga = j.saga AND e.kind IN (7, 8) AND e.seq < j.seq)"""),
    ("I8", "step {} must be {} by the journal, and is not", """
     WITH world AS (
       SELECT e.order_id, e.step, e.there, CASE e.step
         WHEN 0 THEN EXISTS (SELECT 1 FROM orders.orders o WHERE o.order_id = e.order_id
                             AND o.state <> 'cancelled')
         WHEN 1 THEN EXISTS (SELECT 1 FROM inventory.reservations r
                             WHERE r.order_id = e.order_id AND r.state = 'held')
         WHEN 2 THEN EXISTS (SELECT 1 FROM money m WHERE m.order_id = e.order_id
                             AND m.captured > m.refunded)
         ELSE EXISTS (SELECT 1 FROM orders.orders o WHERE o.order_id = e.order_id
                      AND o.state = 'confirmed')
         END AS found FROM expected e)
     SELECT order_id, CASE step WHEN 0 THEN '0 (create)' WHEN 1 THEN '1 (reserve)'
       WHEN 2 THEN '2 (charge)' ELSE '3 (confirm)' END, CASE there WHEN 1 THEN 'done' ELSE
       'not done, or undone' END FROM world WHERE found <> there"""),
    ("I8", "is in the books of {}, and no saga knows it", """
     SELECT order_id, MIN(place) FROM (
       SELECT order_id, 'orders' AS place FROM orders.orders
       UNION ALL SELECT order_id, 'inventory' FROM inventory.reservations
       UNION ALL SELECT order_id, 'inventory' FROM inventory.claims
       UNION ALL SELECT order_id, 'payments' FROM payments.payments
       UNION ALL SELECT order_id, 'the ledger' FROM payments.ledger
       UNION ALL SELECT order_id, 'the provider' FROM provider)
     WHERE order_id NOT IN (SELECT id FROM order_saga.sagas) GROUP BY order_id"""),
)


@dataclasses.dataclass
class Result:
    """What came of one invariant: how many rows violate it, and the first of them."""

    violations: int = 0
    first_key: str = ""
    first: str = ""
    # What of it was not looked at, as there is nothing to look at; and whether that is all of it.
    without: list[str] = dataclasses.field(default_factory=list)
    checked: bool = True

    def add(self, key: str, what: str) -> None:
        if self.violations == 0:
            self.first_key, self.first = key, what
        self.violations += 1


def _one_answer_faults(log: ClientLog) -> list[tuple[str, str]]:
    """I4b: from the client's log alone."""
    found = []
    for key, asked in log.orders.items():
        if asked.order_ids - {key}:
            found.append((key, f"answered with order {sorted(asked.order_ids - {key})[0]}"))
        if len(asked.totals) > 1:
            found.append((key, f"answered with totals {sorted(map(str, asked.totals))}"))
        if asked.ok and asked.refused:
            found.append((key, f"both placed and refused ({', '.join(sorted(asked.reasons))})"))
        if len(asked.reasons) > 1:
            found.append((key, f"refused for {' and for '.join(sorted(asked.reasons))}"))
    return found


def _check_events(books: sqlite3.Connection, results: dict[str, Result], absent: dict[str, str],
                  while_running: bool) -> None:
    for name in results.keys() & event_invariants.TITLES.keys():
        results[name].checked = False
    for query in event_invariants.QUERIES:
        if query.invariant not in results or (while_running and query.at_end_only):
            continue
        result = results[query.invariant]
        missing = next((absent[need] for need in query.needs if need in absent), None)
        if missing is None:
            result.checked = True
            for key, *details in books.execute(query.text):
                result.add(as_key(key), query.what.format(*details))
        elif missing not in result.without:
            result.without.append(missing)


def check(books: sqlite3.Connection, log: ClientLog, known: dict[str, bool],
          absent: dict[str, str], while_running: bool) -> dict[str, Result]:
    """@param known which of `client`, `provider` and `wishes` were given at all.
    @param absent what event_books.load() missed."""
    for name in ("client", "provider", "wishes"):
        books.execute(f"CREATE TEMP TABLE has_{name} AS SELECT {int(known[name])} AS known")
    books.executescript(_VIEWS)
    wanted = ALWAYS if while_running else tuple(TITLES)
    results = {name: Result() for name in wanted}
    if not while_running:
        for finding in journal.read(books):
            results[finding.invariant].add(finding.key, finding.what)
        for key, what in _one_answer_faults(log):
            results["I4b"].add(key, what)
    for name, what, query in _QUERIES:
        if name in wanted:
            for key, *details in books.execute(query):
                results[name].add(as_key(key), what.format(*details))
    _check_events(books, results, absent, while_running)
    return results

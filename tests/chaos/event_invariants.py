"""The invariants of the shop's events, over the tables of event_books.py:
each is a query that must return no row."""

import dataclasses

TITLES = {
    "I9": "at least once: what became of an order is told, and handled",
    "I10": "exactly once in effect: one event, one mail, one file",
    "I11": "nothing from nowhere: no event, no mail without its order",
    "I12": "in order: for each order, and for all of one source",
    "I13": "an acknowledged publish is in the journal, at its position",
    "I17": "nothing vanishes: published = handled + dead + pending",
    "I18": "the cursor is never above what was not handled",
}

ALWAYS = ("I10", "I11", "I18")


@dataclasses.dataclass(frozen=True)
class Query:
    invariant: str
    needs: tuple[str, ...]
    # As the queries of invariants.py: the first column is the key, the others go into the text.
    what: str
    text: str
    # The databases are copied one after the other, so not all agree with each other meanwhile.
    at_end_only: bool = False


JOURNAL, MAILS, SPOOL = ("journal",), ("journal", "mails"), ("journal", "mails", "spool")
PUBLISHES = ("journal", "publishes")

QUERIES = (
    Query("I9", JOURNAL, "nobody was told by {}: it is neither in the journal nor in the outbox", """
     SELECT order_id, topic FROM told o WHERE NOT (SELECT done FROM sweeping)
       AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.order_id = o.order_id AND f.topic = o.topic
                       AND f.source = 'orders' AND f.only_for IS NULL)
       AND NOT EXISTS (SELECT 1 FROM leaving l
                       WHERE l.order_id = o.order_id AND l.topic = o.topic)"""),
    Query("I9", MAILS, "the order.confirmed at {} was passed over: no mail, no dead letter", """
     SELECT order_id, position FROM fates WHERE fate = 'lost'"""),
    Query("I9", SPOOL, "its mail was sent, and is not in the spool", """
     SELECT order_id FROM mailed m WHERE state = 'sent'
       AND NOT EXISTS (SELECT 1 FROM spool s WHERE s.message_id = m.message_id)"""),
    Query("I10", JOURNAL, "told {1} times by {0}", """
     SELECT order_id, topic, COUNT(*) FROM facts
     WHERE source = 'orders' AND only_for IS NULL AND order_id IS NOT NULL AND topic IN (
       'order.created', 'order.confirmed', 'order.cancelled')
     GROUP BY order_id, topic HAVING COUNT(*) > 1"""),
    Query("I10", JOURNAL, "event {2} is in the journal {1} times, first at {0}", """
     SELECT order_id, MIN(position), COUNT(*), hex(id) FROM facts
     WHERE only_for IS NULL GROUP BY id HAVING COUNT(*) > 1"""),
    Query("I10", MAILS, "{} mails", """
     SELECT order_id, COUNT(*) FROM mailed GROUP BY order_id HAVING COUNT(*) > 1"""),
    Query("I10", MAILS, "event {1} has {0} mails", """
     SELECT MIN(order_id), COUNT(*), hex(event_id) FROM mailed
     GROUP BY event_id HAVING COUNT(*) > 1"""),
    Query("I10", SPOOL, "{} files in the spool, one of them {}", """
     SELECT order_id, COUNT(*), MIN(file) FROM spool
     GROUP BY COALESCE(order_id, file) HAVING COUNT(*) > 1"""),
    Query("I10", SPOOL, "{1} files with the Message-ID {0}", """
     SELECT MIN(order_id), message_id, COUNT(*) FROM spool GROUP BY message_id
     HAVING COUNT(*) > 1"""),
    Query("I11", JOURNAL, "{} at {}; the order is {}", """
     SELECT f.order_id, f.topic, f.position, COALESCE(o.state, 'not there')
     FROM facts f LEFT JOIN orders.orders o USING (order_id)
     WHERE f.source = 'orders' AND CASE f.topic
       WHEN 'order.created' THEN o.state IS NULL
       WHEN 'order.confirmed' THEN o.state IS NOT 'confirmed'
       WHEN 'order.cancelled' THEN o.state IS NOT 'cancelled' END"""),
    Query("I11", MAILS, "has a mail, and is {}", """
     SELECT m.order_id, COALESCE(o.state, 'not there')
     FROM mailed m LEFT JOIN orders.orders o USING (order_id) WHERE o.state IS NOT 'confirmed'"""),
    Query("I11", MAILS, "its mail is for event {}, which is none that confirms it", """
     SELECT order_id, hex(event_id) FROM mailed m WHERE NOT (SELECT done FROM sweeping)
       AND NOT EXISTS (SELECT 1 FROM facts f WHERE f.id = m.event_id
                       AND f.topic = 'order.confirmed'
                       AND COALESCE(f.order_id, m.order_id) = m.order_id)""", at_end_only=True),
    Query("I11", SPOOL, "{} is in the spool, and not in the book of mails", """
     SELECT order_id, file FROM spool s WHERE NOT EXISTS (
       SELECT 1 FROM mailed m WHERE m.order_id = s.order_id
       AND (m.state <> 'sent' OR m.message_id = s.message_id))"""),
    Query("I12", JOURNAL, "{} at {} comes after {} at {}", """
     SELECT order_id, topic, position, topic_before, before FROM (
       SELECT order_id, topic, position, LAG(topic) OVER w AS topic_before,
         LAG(position) OVER w AS before
       FROM facts WHERE source = 'orders' AND only_for IS NULL AND order_id IS NOT NULL
       WINDOW w AS (PARTITION BY order_id ORDER BY position))
     WHERE topic = 'order.created' AND topic_before <> 'order.created'"""),
    Query("I12", JOURNAL, "{} happened after what is at {} in the journal, and is at {} itself", """
     SELECT order_id, topic, before, position FROM (
       SELECT order_id, topic, position, LAG(position) OVER (ORDER BY place) AS before FROM (
         SELECT o.order_id, o.topic, o.place, MIN(f.position) AS position
         FROM told o JOIN facts f USING (order_id, topic)
         WHERE o.place IS NOT NULL AND f.source = 'orders' AND f.only_for IS NULL
         GROUP BY o.order_id, o.topic, o.place))
     WHERE position < before"""),
    Query("I13", PUBLISHES, "acknowledged at {}, where the journal has {}", """
     SELECT p.id, p.position, COALESCE(hex(f.id), 'nothing')
     FROM publishes p LEFT JOIN facts f USING (position)
     WHERE f.id IS NOT p.id AND NOT (f.id IS NULL AND (SELECT done FROM sweeping)
       AND p.position <= (SELECT counted FROM journal.journal))"""),
    Query("I17", JOURNAL, "{} events above position {}, where {} were given", """
     SELECT 'journal', COUNT(position), counted, MAX(position) - counted
     FROM journal.journal LEFT JOIN facts ON position > counted
     GROUP BY counted HAVING COUNT(position) <> MAX(position) - counted"""),
    Query("I17", JOURNAL, "{} events are kept; {} were counted", """
     SELECT t.name, COUNT(e.position), t.events FROM journal.topics t LEFT JOIN journal.events e
       ON e.topic = t.id AND e.position <= (SELECT counted FROM journal.journal)
     GROUP BY t.id HAVING COUNT(e.position) <> t.events"""),
    Query("I17", JOURNAL, "{} events were taken of its outbox; the journal has {}", """
     SELECT s.capability, taken, (SELECT COUNT(*) FROM facts f
                                  WHERE f.source = s.capability AND f.only_for IS NULL) AS kept
     FROM (SELECT capability, SUM(taken) AS taken FROM journal.sources GROUP BY capability) s
     WHERE NOT (SELECT done FROM sweeping) AND kept < taken"""),
    Query("I17", MAILS, "{} published, of which {} are handled, dead or pending", """
     SELECT 'order.confirmed', COUNT(*), COUNT(*) - SUM(fate = 'lost') FROM fates
     HAVING SUM(fate = 'lost') > 0"""),
    Query("I18", MAILS, "the order.confirmed at {} is neither handled nor dead; the cursor is at {}", """
     SELECT order_id, position, low FROM fates, cursor WHERE fate = 'lost'"""),
    Query("I18", MAILS, "the cursor is at {}; the journal ends at {}", """
     SELECT 'notifications', high, last
     FROM cursor, (SELECT COALESCE(MAX(position), 0) AS last FROM facts) WHERE high > last"""),
)

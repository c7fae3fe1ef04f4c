"""Sagas of every kind under way while everything is killed: nobody sends anything, and all of them end as they must."""

import sys
import unittest

from every_saga import COMPLETED, OWNERS, PARTICIPANTS, EverySagaTest, drawn
from harness import PATIENCE

KILLS = 4


class AllAtOnce(EverySagaTest):
    def test_sagas_of_every_kind_end_after_everything_was_killed_and_nobody_sends_anything(self):
        dice = drawn()
        self.start()
        self.up(*OWNERS)
        self.begin_each(3)
        self.say_words()
        self.assertEqual(len(self.kinds), self.unfinished())  # What they call is not there yet.

        self.running.append(self.made.worker(PARTICIPANTS, joined=False))
        under_way = []
        for _ in range(KILLS):
            wanted = self.journaled() + dice.randint(1, 60)
            self.await_true("they go on", lambda: self.journaled() >= wanted or self.unfinished() == 0)
            self.kill_all()
            under_way.append(self.unfinished())
            self.up(PARTICIPANTS, *OWNERS)
        print(f"under way when all was killed: {under_way} of {len(self.kinds)}", file=sys.stderr)
        self.await_true("all end", lambda: self.unfinished() == 0)

        self.assertGreater(under_way[0], 0)
        self.assert_ended_right()
        # Whoever asks again under the saga's id hears how it ended.
        again = self.made.client()
        for saga in self.kinds:
            self.ask(again, saga)
        answers = again.collect(list(self.kinds), within=4 * PATIENCE)
        self.assertEqual(
            {self.labels[saga]: kind.end == COMPLETED for saga, kind in self.kinds.items()},
            {self.labels[saga]: answers[saga].ok for saga in self.kinds if saga in answers})
        for saga, answer in answers.items():
            if answer.ok:
                self.assertEqual({"label": self.labels[saga]}, answer.body)
            else:
                self.assert_code("rejected", answer)


if __name__ == "__main__":
    unittest.main()

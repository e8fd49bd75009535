#!/usr/bin/python3
"""The checker finds what it is there for: each history here is wrong in one way."""

import unittest

from checker import Checker, Confirmed, GivenBack, Received, Refused, Sent, Settled

A1, A2, A3 = ("a", 1), ("a", 2), ("a", 3)


def sent(*keys, mode="plain"):
    return [event for key in keys for event in (Sent(key, "q", mode), Confirmed(key))]


def received(key, link="l1", count=0, queue="q", **other):
    return Received(key, queue, link, count, **other)


def done(key, link="l1", count=0, **other):
    return [received(key, link, count, **other), Settled(key, "q", "accepted")]


class CheckerTest(unittest.TestCase):
    def check(self, history, *words, **settings):
        violations = Checker(**settings).check(history)
        if words:
            self.assertTrue(any(all(word in violation for word in words) for violation in violations), violations)
        else:
            self.assertEqual(violations, [])

    def test_a_right_history_has_no_violation(self):
        self.check(sent(A1, A2) + [received(A1), received(A2), Settled(A1, "q", "accepted")] + done(A2, "l2", 1, strict=True))

    def test_an_unconfirmed_send_may_be_there_or_not(self):
        self.check([Sent(A1, "q", "plain"), Sent(A2, "q", "plain")] + done(A2))

    def test_a_confirmed_message_that_never_comes_is_lost(self):
        self.check(sent(A1), "lost")

    def test_a_confirmed_non_persistent_message_may_be_lost(self):
        self.check(sent(A1, mode="memory"))

    def test_a_delivery_after_its_settlement_is_found(self):
        self.check(sent(A1) + done(A1) + [received(A1, "l2", 1)], "again after")

    def test_a_second_delivery_without_mark_is_doubled(self):
        self.check(sent(A1) + [received(A1)] + done(A1, "l2", 0), "doubled")

    def test_a_released_message_comes_once_more_without_mark(self):
        again = sent(A1) + [received(A1), GivenBack(A1, "q"), received(A1)]
        self.check(again + [Settled(A1, "q", "accepted")])
        self.check(again + done(A1), "doubled")

    def test_order_of_first_deliveries_is_checked(self):
        self.check(sent(A1, A2) + done(A2) + done(A1), "out of order")

    def test_order_of_redeliveries_on_a_strict_link_is_checked(self):
        deliveries = done(A2, "l2", 1, strict=True) + done(A1, "l2", 1, strict=True) + done(A3, "l2", 0, strict=True)
        self.check(sent(A1, A2, A3) + deliveries, "out of order")

    def test_other_links_have_an_order_of_their_own(self):
        self.check(sent(A1, A2, A3) + done(A2, "l1") + done(A1, "l2") + done(A3, "l2"))

    def test_a_changed_body_is_found(self):
        self.check(sent(A1) + done(A1, intact=False), "another body")

    def test_what_nobody_sent_is_found(self):
        self.check(done(A1), "never sent")

    def test_the_wrong_queue_is_found(self):
        self.check(sent(A1) + [received(A1, queue="other"), Settled(A1, "other", "accepted")] + done(A1, count=1), "received from other")

    def test_a_refused_send_is_reported(self):
        self.check([Sent(A1, "q", "plain"), Refused(A1, "full")], "refused")

    def test_a_send_that_is_repeated_must_end_up_confirmed(self):
        self.check([Sent(A1, "q", "dedup")] + done(A1), "never confirmed")

    def test_a_rejected_message_must_reach_the_dead_letter_queue(self):
        def reject(_, queue):
            return queue == "q"

        rejected = sent(A1) + [received(A1), Settled(A1, "q", "rejected")]
        self.check(rejected, "lost", must_reject=reject)
        self.check(rejected + [received(A1, "l9", 0, "DLQ"), Settled(A1, "DLQ", "accepted")], must_reject=reject)

    def test_a_dead_letter_that_nobody_rejected_is_found(self):
        self.check(sent(A1) + [received(A1, queue="DLQ"), Settled(A1, "DLQ", "accepted")], "nobody rejected")

    def test_a_settlement_that_was_not_confirmed_may_have_happened(self):
        self.check(sent(A1) + [received(A1)])


if __name__ == "__main__":
    unittest.main()

"""The external checker of the storm: takes the history that the clients saw, and says what the broker did wrong.

It knows nothing of how the clients or the broker work. A history is a list of events in the order in which they happened:

  Sent(key, queue, mode)         before the first byte of the message leaves; mode "plain" (never sent twice), "dedup" (sent again with the
                                 same duplicate-detection id until it is confirmed) or "memory" (non-persistent)
  Confirmed(key)                 the broker has accepted the send
  Refused(key, reason)           the broker has refused it
  Received(key, queue, link, delivery_count, intact)
                                 a consumer got it over that attachment of a link; `delivery_count` as in the AMQP header
  GivenBack(key, queue)          a consumer releases it: the next delivery need not be marked as redelivered
  Settled(key, queue, outcome)   the broker has confirmed (settled) the consumer's outcome: "accepted" or "rejected"

A key is (producer, sequence number from 1).
"""

import collections
from dataclasses import dataclass


@dataclass(frozen=True)
class Sent:
    key: tuple
    queue: str
    mode: str


@dataclass(frozen=True)
class Confirmed:
    key: tuple


@dataclass(frozen=True)
class Refused:
    key: tuple
    reason: str


@dataclass(frozen=True)
class Received:
    key: tuple
    queue: str
    link: str
    delivery_count: int
    intact: bool = True
    strict: bool = False  # nothing is ever given back to the middle of this link: every delivery must be later than the one before


@dataclass(frozen=True)
class GivenBack:
    key: tuple
    queue: str


@dataclass(frozen=True)
class Settled:
    key: tuple
    queue: str
    outcome: str


@dataclass
class Counts:
    sent: int = 0
    confirmed: int = 0
    unknown: int = 0
    received: int = 0
    redelivered: int = 0
    settled: int = 0
    rejected: int = 0
    dead_lettered: int = 0
    lost_non_persistent: int = 0


class Checker:
    """`check` returns the violations as sentences; `counts` is filled on the way."""

    def __init__(self, dead_letter_queue="DLQ", must_reject=lambda key, queue: False):
        self.dead_letter_queue = dead_letter_queue
        self.must_reject = must_reject
        self.counts = Counts()
        self._violations = []
        self._given_back = set()

    def _wrong(self, text):
        self._violations.append(text)

    def check(self, history):
        sent, confirmed, refused = {}, set(), set()
        deliveries = collections.defaultdict(list)  # (queue, key) -> [Received]
        settled = {}                                # (queue, key) -> outcome
        last_on_link = {}                           # (link, producer) -> last sequence
        last_first = {}                             # (queue, link, producer) -> last sequence that was new
        last_sent = {}                              # producer -> sequence
        for event in history:
            if isinstance(event, Sent):
                self.counts.sent += 1
                if event.key[1] != last_sent.get(event.key[0], 0) + 1:
                    raise ValueError(f"the workload itself is wrong: {event} after {last_sent.get(event.key[0])}")
                last_sent[event.key[0]] = event.key[1]
                sent[event.key] = event
            elif isinstance(event, Confirmed):
                confirmed.add(event.key)
            elif isinstance(event, Refused):
                refused.add(event.key)
                self._wrong(f"{event.key} was refused: {event.reason}")
            elif isinstance(event, Received):
                self._received(event, sent, deliveries, settled, last_on_link, last_first)
            elif isinstance(event, GivenBack):
                self._given_back.add((event.queue, event.key))
            elif isinstance(event, Settled):
                self.counts.settled += 1
                if settled.get((event.queue, event.key)) is not None:
                    self._wrong(f"{event.key} in {event.queue} was settled twice")
                settled[(event.queue, event.key)] = event.outcome
                self.counts.rejected += event.outcome == "rejected"
        self._at_the_end(sent, confirmed, refused, deliveries, settled)
        return self._violations

    def _received(self, event, sent, deliveries, settled, last_on_link, last_first):
        self.counts.received += 1
        place = (event.queue, event.key)
        earlier = list(deliveries[place])
        producer, sequence = event.key
        if event.key not in sent:
            self._wrong(f"{event.key} was received in {event.queue} and never sent")
            return
        if not event.intact:
            self._wrong(f"{event.key} was received with another body than was sent")
        if event.queue not in (sent[event.key].queue, self.dead_letter_queue):
            self._wrong(f"{event.key} was sent to {sent[event.key].queue} and received from {event.queue}")
        if event.queue == self.dead_letter_queue:
            self.counts.dead_lettered += not earlier
            if not self.must_reject(event.key, sent[event.key].queue):
                self._wrong(f"{event.key} is in {event.queue} although nobody rejected it")
        if place in settled:
            self._wrong(f"{event.key} was delivered from {event.queue} again after the broker had confirmed that it was {settled[place]}")
        if earlier:
            self.counts.redelivered += 1
            if event.delivery_count == 0 and place not in self._given_back:
                self._wrong(f"{event.key} was delivered from {event.queue} a second time without being marked as redelivered: doubled")
            if any(before.link == event.link for before in earlier) and event.strict:
                self._wrong(f"{event.key} was delivered twice over the link {event.link}")
        self._given_back.discard(place)
        deliveries[place].append(event)
        on_link = (event.link, producer)
        if event.strict and event.queue != self.dead_letter_queue:
            if sequence <= last_on_link.get(on_link, 0):
                self._wrong(f"{event.key} was delivered over {event.link} after {last_on_link[on_link]} of the same producer: out of order")
            last_on_link[on_link] = sequence
        if not earlier and event.queue != self.dead_letter_queue:
            order = (event.queue, event.link, producer)
            # A message that is new to the clients may yet have been given before to a link that broke: only then is it marked.
            if event.delivery_count == 0:
                if sequence < last_first.get(order, 0):
                    self._wrong(f"{event.key} was first delivered over {event.link} after {last_first[order]}: out of order")
                last_first[order] = max(sequence, last_first.get(order, 0))

    def _at_the_end(self, sent, confirmed, refused, deliveries, settled):
        self.counts.confirmed = len(confirmed)
        self.counts.unknown = len(sent) - len(confirmed) - len(refused)
        for key, event in sent.items():
            arrived = (event.queue, key) in deliveries
            dead = (self.dead_letter_queue, key) in deliveries
            if event.mode == "memory":
                self.counts.lost_non_persistent += key in confirmed and not arrived
                continue
            if key in confirmed and not arrived and not dead:
                self._wrong(f"{key} was confirmed to its producer and never delivered: lost")
            if event.mode == "dedup" and key not in confirmed and key not in refused:
                self._wrong(f"{key} was sent again and again and never confirmed")
            if settled.get((event.queue, key)) == "rejected" and not dead:
                self._wrong(f"{key} was rejected and never reached {self.dead_letter_queue}: lost")
            if self.must_reject(key, event.queue) and arrived and not dead:
                self._wrong(f"{key} had to be rejected and never reached {self.dead_letter_queue}")

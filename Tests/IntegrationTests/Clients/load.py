"""A mixed load for a broker that is killed under it, with a client that nobody here wrote (librdkafka through Python).

    load.py write    --bootstrap B --topic T --rate R   keyed records one after the other, idempotently
    load.py update   --bootstrap B --topic T --rate R   the same on a few keys, with tombstones, for a compacted topic
    load.py transact --bootstrap B --topic T --to U     transactions over T and U; every fourth is aborted
    load.py pipe     --bootstrap B --topic T --to U     copies T to U, records and offsets in one transaction; every fifth
                                                        is aborted and done again
    load.py follow   --bootstrap B --topic T            a member of a group: reads committed records, commits offsets
    load.py read     --bootstrap B --topic T            all committed records from the beginning to the end

Each goes on until SIGTERM and ends when nothing is left to do; a failure that a client should have survived ends it with
status 1. What happened is written to standard output as JSON lines, each as soon as the client was told:

    {"acknowledged": event, "partition": p, "offset": o}
    {"transaction": n, "events": [event, …]}   about to be sent; then {"committed": n} or {"aborted": n}
    {"assigned": [p, …]}, {"read": [event, …]}, {"stored": n}   the offsets of all that was read are committed
    {"found": event, "partition": p, "offset": o}

An event is {"topic": T, "key": K, "id": I, "sequence": n}; its id is in the record's header "id", so that tombstones have
one too.
"""

import argparse
import json
import signal
import sys
import time

RECONNECT = {"reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100, "retry.backoff.ms": 20}


def say(**fields):
    print(json.dumps(fields), flush=True)


def event(topic, key, name, number):
    return {"topic": topic, "key": key, "id": f"{name}-{number}", "sequence": number}


def found(message):
    identity = dict(message.headers())["id"].decode()
    number = int(identity.rsplit("-", 1)[1])
    return {"topic": message.topic(), "key": message.key().decode(), "id": identity, "sequence": number}


class Load:
    def __init__(self, options):
        self.options = options
        self.running = True
        self.taken = []
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.running = False

    # Writers

    def producer(self, **settings):
        from confluent_kafka import Producer

        # What gathers while the broker is away must not make a batch larger than a segment of the compacted topic.
        return Producer({
            "bootstrap.servers": self.options.bootstrap, "enable.idempotence": True, "linger.ms": 2,
            "message.timeout.ms": 120000, "queue.buffering.max.messages": 2000, "batch.num.messages": 200, **RECONNECT,
            **settings})

    def stream(self, keys, value):
        producer = self.producer()
        number, start = 0, time.monotonic()
        # A steady rate, on any machine: enough to have batches in flight at every kill.
        while self.running:
            if number > self.options.rate * (time.monotonic() - start):
                producer.poll(0.01)
                continue
            what = event(self.options.topic, f"{number % keys}", self.options.topic, number)
            try:
                producer.produce(
                    self.options.topic, key=what["key"], value=value(number), headers=[("id", what["id"])],
                    on_delivery=lambda error, message, what=what: self.delivered(error, message, what))
                number += 1
            except BufferError:
                producer.poll(0.1)
            producer.poll(0)
        if producer.flush(60):
            sys.exit("records are left")

    @staticmethod
    def delivered(error, message, what):
        if error:
            sys.exit(f"{what}: {error}")
        say(acknowledged=what, partition=message.partition(), offset=message.offset())

    def write(self):
        self.stream(50, lambda number: f"{number}")

    def update(self):
        # Runs of tombstones, so that the last word on some keys is one.
        self.stream(20, lambda number: None if number // 20 % 7 == 0 else f"{number}")

    # Transactions

    def transactional(self, identity):
        # When the broker dies under an abort, librdkafka waits for the records that were in flight, which it does not send
        # again, until their time is up; that must be well before the broker ends the transaction by itself.
        producer = self.producer(**{"transactional.id": identity, "transaction.timeout.ms": 60000,
                                    "message.timeout.ms": 10000})
        self.insist(producer.init_transactions)
        return producer

    @staticmethod
    def insist(step):
        """Calls until it is done; anything that trying again does not help is passed on."""
        from confluent_kafka import KafkaException

        while True:
            try:
                return step(60)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise

    def attempt(self, producer, send, commits):
        """One transaction: true when it is decided as wished, false when it had to be aborted."""
        from confluent_kafka import KafkaException

        try:
            producer.begin_transaction()
            send()
            if commits:
                self.insist(producer.commit_transaction)
                return True
        except KafkaException as error:
            if not error.args[0].txn_requires_abort():
                raise
        self.insist(producer.abort_transaction)
        return not commits

    def transact(self):
        producer = self.transactional("transactor")
        number, record = 0, 0
        while self.running:
            events = []
            for part in range(6):
                topic = self.options.topic if part < 4 else self.options.to
                # The keys of the compacted topic are another writer's, too: these are none of his.
                events.append(event(topic, f"t{record % 9}", "transact", record))
                record += 1

            def send():
                for what in events:
                    producer.produce(
                        what["topic"], key=what["key"], value=what["id"], headers=[("id", what["id"])],
                        on_delivery=lambda *_: None)
                if number % 4 == 0:
                    producer.flush(60)

            say(transaction=number, events=events)
            commits = number % 4 != 0
            while not self.attempt(producer, send, commits):
                pass
            say(**{"committed" if commits else "aborted": number})
            number += 1

    # Readers

    def consumer(self, group):
        from confluent_kafka import Consumer

        return Consumer({
            "bootstrap.servers": self.options.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "isolation.level": "read_committed", "enable.partition.eof": True,
            "session.timeout.ms": 10000, **RECONNECT})

    def subscribe(self, consumer):
        consumer.subscribe([self.options.topic], on_assign=self.assigned)

    def assigned(self, _, partitions):
        # What was taken and not handled before comes again.
        self.taken.clear()
        say(assigned=sorted(p.partition for p in partitions))

    def take(self, consumer, limit):
        """What is there, at most `limit` messages.

        They are polled one by one: consume() of librdkafka 2.2 to 2.13.0 takes the end of a partition for a record that it has
        given out. The next commit passes over the record that comes there, and a member that loses its partitions and
        gets them back never hears of it (https://github.com/confluentinc/librdkafka/issues/4844).
        """
        self.taken, patience = [], 0.05
        while len(self.taken) < limit:
            message = consumer.poll(patience)
            if message is None:
                break
            self.taken.append(message)
            patience = 0
        return self.taken

    def batches(self, consumer, limit):
        """What there is to read, a list at a time; after SIGTERM up to the ends that the partitions have then."""
        from confluent_kafka import KafkaError

        ends, reached = None, {}
        while True:
            # Who has lost its partitions for the moment reads on when it has them again.
            if not self.running and ends is None and consumer.assignment():
                ends = {p.partition: consumer.get_watermark_offsets(p, timeout=30)[1] for p in consumer.assignment()}
            batch = []
            for message in self.take(consumer, limit):
                if not message.error():
                    batch.append(message)
                elif message.error().code() == KafkaError._PARTITION_EOF:
                    reached[message.partition()] = message.offset()
            if batch:
                yield batch
            elif ends is not None and all(reached.get(p, -1) >= end for p, end in ends.items()):
                return

    def follow(self):
        from confluent_kafka import KafkaException

        consumer = self.consumer("followers-" + self.options.topic)
        self.subscribe(consumer)
        unstored = 0
        for batch in self.batches(consumer, 50):
            say(read=[found(message) for message in batch])
            unstored += len(batch)
            try:
                consumer.commit(asynchronous=False)
                say(stored=unstored)
                unstored = 0
            except KafkaException as error:
                print(f"not committed: {error}", file=sys.stderr)
        if unstored:
            self.insist(lambda _: consumer.commit(asynchronous=False))
            say(stored=unstored)
        consumer.close()

    def pipe(self):
        from confluent_kafka import TopicPartition

        producer = self.transactional("pipe")
        consumer = self.consumer("pipe")
        self.subscribe(consumer)
        attempts = 0
        for batch in self.batches(consumer, 20):
            next_offset = TopicPartition(self.options.topic, batch[-1].partition(), batch[-1].offset() + 1)

            def send():
                for message in batch:
                    producer.produce(
                        self.options.to, key=message.key(), value=message.value(), headers=message.headers(),
                        on_delivery=lambda *_: None)
                self.insist(lambda timeout: producer.send_offsets_to_transaction(
                    [next_offset], consumer.consumer_group_metadata(), timeout))

            while True:
                attempts += 1
                commits = attempts % 5 != 0
                if self.attempt(producer, send, commits) and commits:
                    break
            say(copied=len(batch))
        consumer.close()

    def read(self):
        from confluent_kafka import TopicPartition

        consumer = self.consumer("none")
        partitions = consumer.list_topics(self.options.topic, timeout=30).topics[self.options.topic].partitions
        consumer.assign([TopicPartition(self.options.topic, index, 0) for index in partitions])
        self.running = False
        for batch in self.batches(consumer, 1000):
            for message in batch:
                say(found=found(message), partition=message.partition(), offset=message.offset())
        consumer.close()


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("action", choices=["write", "update", "transact", "pipe", "follow", "read"])
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--topic", required=True)
parser.add_argument("--to")
parser.add_argument("--rate", type=float, default=1000)
options = parser.parse_args()
getattr(Load(options), options.action)()

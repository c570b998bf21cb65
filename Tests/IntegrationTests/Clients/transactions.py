"""Transactions with Kafka clients that nobody here wrote, for the integration tests.

    transactions.py CLIENT check --bootstrap B --topic T      goes through commit, abort, offsets and a zombie; prints what
                                                              came of each as JSON lines
    transactions.py CLIENT pipe  --bootstrap B --topic T --to U --group G --id I
                             reads T, writes each record to U and its offset in one transaction, until SIGTERM; every
                             fifth transaction is aborted and done again; prints {"committed": n} after each commit

T has one partition. CLIENT is confluent or aiokafka.
"""

import argparse
import asyncio
import json
import signal
import sys
import time


def say(**fields):
    print(json.dumps(fields), flush=True)


class Confluent:
    """confluent-kafka: the Python face of librdkafka."""

    def __init__(self, options):
        self.options = options

    def producer(self, identity):
        from confluent_kafka import Producer

        return Producer({
            "bootstrap.servers": self.options.bootstrap, "transactional.id": identity, "linger.ms": 2,
            # An abort waits for what is in flight: well within the transaction's time (see load.py).
            "transaction.timeout.ms": 30000, "message.timeout.ms": 5000, "retry.backoff.ms": 20, "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 100})

    def consumer(self, group, isolation="read_committed"):
        from confluent_kafka import Consumer

        return Consumer({
            "bootstrap.servers": self.options.bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.commit": False, "isolation.level": isolation, "enable.partition.eof": True,
            "session.timeout.ms": 6000})

    def read(self, topic, isolation):
        from confluent_kafka import KafkaError, TopicPartition

        consumer = self.consumer("reader-" + isolation, isolation)
        consumer.assign([TopicPartition(topic, 0, 0)])
        values = []
        while True:
            message = consumer.poll(10)
            if message is None:
                sys.exit("timed out waiting for the end")
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    break
                sys.exit(str(message.error()))
            values.append(message.value().decode())
        end = consumer.get_watermark_offsets(TopicPartition(topic, 0))[1]
        consumer.close()
        return values, end

    def send(self, producer, topic, *values):
        for value in values:
            producer.produce(topic, value=value, partition=0)
        producer.flush()

    def check(self):
        from confluent_kafka import KafkaException, TopicPartition

        topic = self.options.topic
        first = self.producer("checker")
        first.init_transactions()
        first.begin_transaction()
        self.send(first, topic, "aborted-1", "aborted-2")
        first.abort_transaction()
        first.begin_transaction()
        self.send(first, topic, "kept-1", "kept-2")
        say(open=self.read(topic, "read_committed")[0])
        first.commit_transaction()
        say(committed=self.read(topic, "read_committed")[0])

        group = self.consumer("offsets")
        group.subscribe([topic])
        while not group.assignment():
            group.poll(0.1)
        first.begin_transaction()
        self.send(first, topic, "with-offset")
        first.send_offsets_to_transaction(
            [TopicPartition(topic, 0, 3)], group.consumer_group_metadata())
        other = self.consumer("offsets")
        pending = None
        try:
            pending = other.committed([TopicPartition(topic, 0)], timeout=1)[0].offset
        except KafkaException as error:
            pending = error.args[0].name()
        say(pending=pending)
        first.commit_transaction()
        say(offset=other.committed([TopicPartition(topic, 0)], timeout=10)[0].offset)
        other.close()
        group.close()

        first.begin_transaction()
        self.send(first, topic, "zombie")
        second = self.producer("checker")
        second.init_transactions()
        second.begin_transaction()
        self.send(second, topic, "successor")
        second.commit_transaction()
        try:
            first.commit_transaction(10)
            say(zombie="committed")
        except KafkaException as error:
            say(zombie="fatal" if error.args[0].fatal() else error.args[0].name())
        say(committed=self.read(topic, "read_committed")[0], all=self.read(topic, "read_uncommitted")[0])

    def pipe(self):
        from confluent_kafka import KafkaException, TopicPartition

        running = [True]
        signal.signal(signal.SIGTERM, lambda *_: running.clear())
        producer = self.producer(self.options.id)
        producer.init_transactions(60)
        consumer = self.consumer(self.options.group)
        consumer.subscribe([self.options.topic])
        batch, attempts, committed = [], 0, 0
        while running:
            while running and not batch:
                batch = [m for m in consumer.consume(20, 0.2) if not m.error()]
            if not batch:
                break
            attempts += 1
            try:
                producer.begin_transaction()
                for message in batch:
                    producer.produce(self.options.to, value=message.value(), key=message.key())
                producer.send_offsets_to_transaction(
                    [TopicPartition(self.options.topic, 0, batch[-1].offset() + 1)],
                    consumer.consumer_group_metadata(), 60)
                if attempts % 5 == 0:
                    producer.abort_transaction(60)
                    say(aborted=len(batch))
                    continue
                while True:
                    try:
                        producer.commit_transaction(60)
                        break
                    except KafkaException as error:
                        if not error.args[0].retriable():
                            raise
            except KafkaException as error:
                if not error.args[0].txn_requires_abort():
                    raise
                say(retrying=error.args[0].name())
                producer.abort_transaction(60)
                continue
            committed += len(batch)
            say(committed=committed)
            batch = []
        consumer.close()


class Aiokafka:
    """aiokafka: an implementation of its own, in Python."""

    def __init__(self, options):
        self.options = options

    async def producer(self, identity):
        from aiokafka import AIOKafkaProducer

        producer = AIOKafkaProducer(bootstrap_servers=self.options.bootstrap, transactional_id=identity)
        await producer.start()
        return producer

    async def read(self, topic, isolation):
        from aiokafka import AIOKafkaConsumer, TopicPartition

        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.options.bootstrap, isolation_level=isolation, enable_auto_commit=False)
        await consumer.start()
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        values = []
        end = (await consumer.end_offsets([partition]))[partition]
        deadline = time.monotonic() + 10
        while await consumer.position(partition) < end and time.monotonic() < deadline:
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                values += [m.value.decode() for m in messages]
        await consumer.stop()
        return values

    async def send(self, producer, topic, *values):
        for value in values:
            await producer.send_and_wait(topic, value.encode(), partition=0)

    async def committed(self, topic):
        from aiokafka import AIOKafkaConsumer, TopicPartition

        consumer = AIOKafkaConsumer(bootstrap_servers=self.options.bootstrap, group_id="offsets")
        await consumer.start()
        offset = await consumer.committed(TopicPartition(topic, 0))
        await consumer.stop()
        return offset

    async def run_check(self):
        from aiokafka import TopicPartition
        from aiokafka.errors import KafkaError

        topic = self.options.topic
        first = await self.producer("checker")
        await first.begin_transaction()
        await self.send(first, topic, "aborted-1", "aborted-2")
        await first.abort_transaction()
        await first.begin_transaction()
        await self.send(first, topic, "kept-1", "kept-2")
        say(open=await self.read(topic, "read_committed"))
        await first.commit_transaction()
        say(committed=await self.read(topic, "read_committed"))

        await first.begin_transaction()
        await self.send(first, topic, "with-offset")
        await first.send_offsets_to_transaction({TopicPartition(topic, 0): 3}, "offsets")
        say(pending=await self.committed(topic))
        await first.commit_transaction()
        say(offset=await self.committed(topic))

        await first.begin_transaction()
        await self.send(first, topic, "zombie")
        second = await self.producer("checker")
        await second.begin_transaction()
        await self.send(second, topic, "successor")
        await second.commit_transaction()
        try:
            await first.commit_transaction()
            say(zombie="committed")
        except KafkaError as error:
            say(zombie=type(error).__name__)
        say(committed=await self.read(topic, "read_committed"), all=await self.read(topic, "read_uncommitted"))
        await second.stop()
        try:
            await first.stop()
        except KafkaError:
            pass

    def check(self):
        asyncio.run(self.run_check())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=["confluent", "aiokafka"])
    parser.add_argument("action", choices=["check", "pipe"])
    for name in ["bootstrap", "topic", "to", "group", "id"]:
        parser.add_argument("--" + name)
    options = parser.parse_args()
    client = {"confluent": Confluent, "aiokafka": Aiokafka}[options.client](options)
    getattr(client, options.action)()


main()

"""One command line over Kafka clients that nobody here wrote, for the integration tests.

    client.py CLIENT produce --bootstrap B --topic T [--codec C]          records as JSON lines on standard input
    client.py CLIENT consume --bootstrap B --topic T --count N [--group G] records as JSON lines on standard output
    client.py CLIENT member  --bootstrap B --topic T --group G [--instance I]
                             joins a group, prints what it is assigned and what it reads, commits after each record
    client.py CLIENT create  --bootstrap B --topic T --partitions N        creates a topic

A record is {"key": base64|null, "value": base64|null, "headers": [[name, base64|null]], "partition": n, "offset": n}.
CLIENT is confluent or aiokafka.
"""

import argparse
import asyncio
import base64
import json
import signal
import sys
import time


def pack(data):
    return None if data is None else base64.b64encode(data).decode()


def unpack(text):
    return None if text is None else base64.b64decode(text)


def say(**fields):
    print(json.dumps(fields), flush=True)


def say_record(key, value, headers, partition, offset):
    say(key=pack(key), value=pack(value), headers=[[n, pack(v)] for n, v in headers or []], partition=partition,
        offset=offset)


def input_records():
    for line in sys.stdin:
        record = json.loads(line)
        yield (unpack(record["key"]), unpack(record["value"]), [(n, unpack(v)) for n, v in record["headers"]],
               record.get("partition"))


class Confluent:
    """confluent-kafka: the Python face of librdkafka."""

    @staticmethod
    def settings(options, **more):
        return {"bootstrap.servers": options.bootstrap, **dict(s.split("=", 1) for s in options.X), **more}

    def produce(self, options):
        from confluent_kafka import Producer

        failures = []
        producer = Producer(self.settings(options, **{
            "compression.type": options.codec, "enable.idempotence": True, "linger.ms": 20}))
        for key, value, headers, partition in input_records():
            where = {} if partition is None else {"partition": partition}
            producer.produce(options.topic, value=value, key=key, headers=headers, on_delivery=lambda error, message: (
                failures.append(str(error)) if error else say(partition=message.partition(), offset=message.offset())),
                **where)
        left = producer.flush(30)
        if failures or left:
            sys.exit(f"{left} undelivered; {failures[:3]}")

    def consumer(self, options):
        from confluent_kafka import Consumer

        settings = self.settings(options, **{
            "group.id": options.group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "session.timeout.ms": options.session_timeout,
            # Tests kill the broker more often than the usual ten seconds' patience is made for.
            "reconnect.backoff.ms": 10, "reconnect.backoff.max.ms": 100})
        if options.instance:
            settings["group.instance.id"] = options.instance
        return Consumer(settings)

    def consume(self, options):
        consumer = self.consumer(options)
        consumer.subscribe([options.topic])
        for _ in range(options.count):
            message = consumer.poll(options.timeout)
            if message is None:
                sys.exit("timed out waiting for a record")
            if message.error():
                sys.exit(str(message.error()))
            say_record(message.key(), message.value(), message.headers(), message.partition(), message.offset())
        consumer.commit(asynchronous=False)
        consumer.close()

    def member(self, options):
        running = [True]
        signal.signal(signal.SIGTERM, lambda *_: running.clear())
        consumer = self.consumer(options)
        consumer.subscribe(
            [options.topic], on_assign=lambda _, parts: say(assigned=sorted(p.partition for p in parts)),
            on_revoke=lambda _, parts: say(revoked=sorted(p.partition for p in parts)))
        while running:
            message = consumer.poll(0.2)
            if message is None or message.error():
                continue
            say_record(message.key(), message.value(), message.headers(), message.partition(), message.offset())
            self.commit(consumer, message)
        consumer.close()

    @staticmethod
    def commit(consumer, message):
        from confluent_kafka import KafkaException

        try:
            consumer.commit(message=message, asynchronous=False)
            say(committed=message.offset() + 1, on=message.partition())
        except KafkaException as error:
            say(uncommitted=message.offset() + 1, on=message.partition(), error=str(error))

    def create(self, options):
        from confluent_kafka.admin import AdminClient, NewTopic

        topic = NewTopic(
            options.topic, options.partitions, options.replication_factor,
            config=dict(s.split("=", 1) for s in options.config))
        admin = AdminClient(self.settings(options))
        admin.create_topics([topic])[options.topic].result(30)


class AIOKafka:
    """aiokafka: asyncio, its own protocol implementation."""

    def produce(self, options):
        async def run():
            from aiokafka import AIOKafkaProducer

            codec = None if options.codec == "none" else options.codec
            async with AIOKafkaProducer(bootstrap_servers=options.bootstrap, compression_type=codec,
                                        enable_idempotence=True, linger_ms=20) as producer:
                sent = [await producer.send(options.topic, value=value, key=key, headers=headers, partition=partition)
                        for key, value, headers, partition in input_records()]
                for metadata in await asyncio.gather(*sent):
                    say(partition=metadata.partition, offset=metadata.offset)

        asyncio.run(run())

    def consumer(self, options):
        from aiokafka import AIOKafkaConsumer

        return AIOKafkaConsumer(
            bootstrap_servers=options.bootstrap, group_id=options.group, group_instance_id=options.instance,
            auto_offset_reset="earliest", enable_auto_commit=False, session_timeout_ms=options.session_timeout,
            heartbeat_interval_ms=options.session_timeout // 4, metadata_max_age_ms=2000)

    def consume(self, options):
        async def run():
            consumer = self.consumer(options)
            consumer.subscribe([options.topic])
            async with consumer:
                for _ in range(options.count):
                    m = await asyncio.wait_for(consumer.getone(), options.timeout)
                    say_record(m.key, m.value, m.headers, m.partition, m.offset)
                await consumer.commit()

        asyncio.run(run())

    def member(self, options):
        from aiokafka import ConsumerRebalanceListener, TopicPartition

        class Listener(ConsumerRebalanceListener):
            async def on_partitions_revoked(self, revoked):
                say(revoked=sorted(p.partition for p in revoked))

            async def on_partitions_assigned(self, assigned):
                say(assigned=sorted(p.partition for p in assigned))

        async def run():
            stop = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            consumer = self.consumer(options)
            consumer.subscribe([options.topic], listener=Listener())
            async with consumer:
                while not stop.is_set():
                    batches = await consumer.getmany(timeout_ms=200, max_records=1)
                    for partition, messages in batches.items():
                        for m in messages:
                            say_record(m.key, m.value, m.headers, m.partition, m.offset)
                            await consumer.commit({TopicPartition(m.topic, m.partition): m.offset + 1})

        asyncio.run(run())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", choices=["confluent", "aiokafka"])
    parser.add_argument("action", choices=["produce", "consume", "member", "create"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--codec", default="none")
    parser.add_argument("--group", default="readers")
    parser.add_argument("--instance")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--replication-factor", type=int, default=-1, help="-1: the broker's default")
    parser.add_argument("--config", action="append", default=[], help="a topic's property, name=value")
    parser.add_argument("--timeout", type=float, default=30)
    parser.add_argument("--session-timeout", type=int, default=6000)
    parser.add_argument("-X", action="append", default=[], help="a librdkafka property, name=value (confluent only)")
    options = parser.parse_args()
    client = Confluent() if options.client == "confluent" else AIOKafka()
    getattr(client, options.action)(options)


if __name__ == "__main__":
    main()

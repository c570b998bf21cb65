"""A compacted topic as clients that nobody here wrote see it.

    compaction.py CLIENT --bootstrap B --topic T

Makes a compacted topic with small segments, writes 60 rounds of 20 keys (idempotently, compressed), an aborted transaction
over all keys and tombstones for three of them, then has CLIENT (confluent or aiokafka) read it from the beginning to the
end, committed records only, until there is one record for each key. Prints one JSON line:

    {"end": n, "records": [[offset, key, value], …]}
"""

import argparse
import asyncio
import json
import sys
import time

KEYS, ROUNDS = 20, 60


def write(options):
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": options.bootstrap})
    admin.create_topics([NewTopic(options.topic, 1, 1, config={
        "cleanup.policy": "compact", "segment.bytes": "4096", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "300", "delete.retention.ms": "3600000"})])[options.topic].result(30)
    settings = {"bootstrap.servers": options.bootstrap, "compression.type": "lz4", "linger.ms": 0}
    producer = Producer({**settings, "enable.idempotence": True})
    for number in range(ROUNDS):
        for key in range(KEYS):
            producer.produce(options.topic, key=f"key-{key}", value=f"{number}")
        producer.flush(30)
    for key in range(3):
        producer.produce(options.topic, key=f"key-{key}", value=None)
    producer.flush(30)
    doomed = Producer({**settings, "transactional.id": options.topic})
    doomed.init_transactions(30)
    doomed.begin_transaction()
    for key in range(KEYS):
        doomed.produce(options.topic, key=f"key-{key}", value="aborted")
    doomed.flush(30)
    doomed.abort_transaction(30)


def text(data):
    return None if data is None else data.decode()


def read_confluent(options):
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    consumer = Consumer({
        "bootstrap.servers": options.bootstrap, "group.id": "none", "enable.auto.commit": False,
        "enable.partition.eof": True, "isolation.level": "read_committed"})
    partition = TopicPartition(options.topic, 0, 0)
    _, end = consumer.get_watermark_offsets(partition, timeout=10)
    consumer.assign([partition])
    records = []
    while True:
        message = consumer.poll(10)
        if message is None:
            sys.exit("timed out waiting for the end of the partition")
        if not message.error():
            records.append([message.offset(), text(message.key()), text(message.value())])
        elif message.error().code() == KafkaError._PARTITION_EOF:
            if message.offset() >= end:
                break
        else:
            sys.exit(str(message.error()))
    consumer.close()
    return end, records


def read_aiokafka(options):
    async def run():
        from aiokafka import AIOKafkaConsumer, TopicPartition

        partition = TopicPartition(options.topic, 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=options.bootstrap, isolation_level="read_committed")
        consumer.assign([partition])
        records = []
        async with consumer:
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            while await consumer.position(partition) < end:
                for found in (await consumer.getmany(timeout_ms=1000)).values():
                    records += [[m.offset, text(m.key), text(m.value)] for m in found]
        return end, records

    return asyncio.run(asyncio.wait_for(run(), 20))


parser = argparse.ArgumentParser()
parser.add_argument("client", choices=["confluent", "aiokafka"])
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--topic", required=True)
options = parser.parse_args()
write(options)
deadline = time.monotonic() + 40
while True:
    end, records = {"confluent": read_confluent, "aiokafka": read_aiokafka}[options.client](options)
    if len(records) <= KEYS or time.monotonic() > deadline:
        break
print(json.dumps({"end": end, "records": records}), flush=True)

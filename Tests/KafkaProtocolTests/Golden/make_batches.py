#!/usr/bin/env python3
"""Writes batches.txt: the same ten records as batches of real clients, in every codec.

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install confluent-kafka==2.16.1 aiokafka==0.14.0 kafka-python==3.0.12 cramjam==2.14.0
    /tmp/golden/bin/python make_batches.py > batches.txt

librdkafka (confluent-kafka) produces to its own mock broker, from which the batch is fetched as it is; aiokafka's builder
is called directly. A line is: client, codec, the batch in hexadecimal. Record i has the timestamp 1700000000000 + i * i,
the key "key-i" (none for every third), the value "value-i " i * 20 times (none for every fourth) and, when i is odd, the
headers "index" = "i" and "empty" = null.
"""
import asyncio
import socket
import struct

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from confluent_kafka import Producer
from kafka.protocol.consumer.fetch import FetchRequest, FetchResponse

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def record(i):
    key = None if i % 3 == 0 else b"key-%d" % i
    value = None if i % 4 == 0 else b"value-%d " % i * (i * 20)
    headers = [("index", b"%d" % i), ("empty", None)] if i % 2 else []
    return 1_700_000_000_000 + i * i, key, value, headers


def aiokafka_batch(codec):
    builder = DefaultRecordBatchBuilder(2, CODECS.index(codec), 0, 77, 3, 40, 1 << 20)
    for i in range(10):
        timestamp, key, value, headers = record(i)
        assert builder.append(i, timestamp, key, value, headers)
    return bytes(builder.build())


def exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        assert part
        data += part
    return data


def fetch(address, topic):
    request = FetchRequest(
        version=4, replica_id=-1, max_wait_ms=1000, min_bytes=1, max_bytes=1 << 20, isolation_level=0,
        topics=[FetchRequest.FetchTopic(version=4, topic=topic, partitions=[FetchRequest.FetchTopic.FetchPartition(
            version=4, partition=0, fetch_offset=0, partition_max_bytes=1 << 20)])])
    request.with_header(correlation_id=1, client_id="golden")
    with socket.create_connection(address) as connection:
        connection.sendall(bytes(request.encode(version=4, header=True, framed=True)))
        size, = struct.unpack(">i", exactly(connection, 4))
        response = FetchResponse.decode(exactly(connection, size), version=4, header=True)
    return bytes(response.responses[0].partitions[0].records)


def librdkafka_batch(codec):
    producer = Producer({
        "test.mock.num.brokers": 1, "compression.type": codec, "linger.ms": 500, "enable.idempotence": True})
    topic = "golden-" + codec
    for i in range(10):
        timestamp, key, value, headers = record(i)
        producer.produce(topic, value, key, partition=0, timestamp=timestamp, headers=headers)
    assert producer.flush(10) == 0
    broker = next(iter(producer.list_topics(topic, 5).brokers.values()))
    return fetch((broker.host, broker.port), topic)


for codec in CODECS:
    print("aiokafka", codec, aiokafka_batch(codec).hex())
    print("librdkafka", codec, librdkafka_batch(codec).hex())

"""Folds a topic into the newest value of each key, as a reader of committed records finds it from the beginning.

    fold.py confluent --bootstrap HOST:PORT --topic T

Prints one line: {"records": N, "state": {KEY: VALUE}} in base64.
"""

import argparse
import base64
import json

from confluent_kafka import Consumer, KafkaError, TopicPartition

parser = argparse.ArgumentParser()
parser.add_argument("client", choices=["confluent"])
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--topic", required=True)
arguments = parser.parse_args()

consumer = Consumer(
    {
        "bootstrap.servers": arguments.bootstrap,
        "group.id": "fold",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    }
)
partitions = consumer.list_topics(arguments.topic, 30).topics[arguments.topic].partitions
consumer.assign([TopicPartition(arguments.topic, number, 0) for number in partitions])
ahead = set(partitions)
state = {}
records = 0
while ahead:
    message = consumer.poll(30)
    if message is None:
        raise SystemExit(f"nothing came for 30 seconds; {ahead} are ahead")
    if message.error():
        if message.error().code() != KafkaError._PARTITION_EOF:
            raise SystemExit(str(message.error()))
        ahead.discard(message.partition())
        continue
    records += 1
    key = base64.b64encode(message.key()).decode()
    if message.value() is None:
        state.pop(key, None)
    else:
        state[key] = base64.b64encode(message.value()).decode()
consumer.close()
print(json.dumps({"records": records, "state": state}))

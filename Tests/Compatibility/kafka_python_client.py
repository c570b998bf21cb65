"""kafka-python: an implementation of its own, in Python; both the old 2.0 and a newer one run these."""

import threading

import kafka
from check import CODECS, Missing, expect, main, read_with_kcat, records, until
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
from kafka.structs import OffsetAndMetadata


def version(*_):
    return kafka.__version__


def newer():
    return tuple(map(int, kafka.__version__.split(".")[:2])) >= (2, 3)


def offset(number):
    return OffsetAndMetadata(number, "", -1) if len(OffsetAndMetadata._fields) > 2 else OffsetAndMetadata(number, "")


def consumer(bootstrap, topic, group, **more):
    return KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False, consumer_timeout_ms=20000, session_timeout_ms=6000,
                         heartbeat_interval_ms=1000, **more)


def read(bootstrap, topic, count, **more):
    reader = consumer(bootstrap, topic, f"{topic}-readers", **more)
    found = []
    while len(found) < count:
        message = next(reader, None)
        expect(message is not None, f"{len(found)} of {count} read")
        found.append((message.key, message.value))
    reader.close()
    return found


def produce(bootstrap, topic, sent, **settings):
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, **settings)
    for future in [producer.send(topic, key=key, value=value, headers=[("h", b"v")]) for key, value in sent]:
        future.get(20)
    producer.close()


def records_check(bootstrap, name):
    for codec in CODECS:
        sent = records(name) + [(b"tombstone", None)]
        produce(bootstrap, f"{name}-{codec}", sent, compression_type=None if codec == "none" else codec)
        expect(sorted(read(bootstrap, f"{name}-{codec}", len(sent)), key=str) == sorted(sent, key=str), codec)
    return "five codecs, keys, headers, tombstones"


class Member(threading.Thread):
    """Polls and commits until it is told to leave; joining a group blocks, so that each needs a thread."""

    def __init__(self, bootstrap, topic, group):
        super().__init__(daemon=True)
        self.consumer = consumer(bootstrap, topic, group)
        # The client joins without waiting for the topic's partitions. A leader that hears of them later joins again, and when
        # a poll ends between the two answers, 3.0.12 forgets that it did: it has no partitions, and is silent.
        until("the topic's partitions", lambda: self.consumer.partitions_for_topic(topic))
        self.found, self.leaves = [], False
        self.start()

    def run(self):
        while not self.leaves:
            batches = self.consumer.poll(100)
            self.found += [message.value for batch in batches.values() for message in batch]
            if batches:
                self.consumer.commit()
        self.consumer.close()

    def leave(self):
        self.leaves = True
        self.join(30)


def groups(bootstrap, name):
    KafkaAdminClient(bootstrap_servers=bootstrap).create_topics([NewTopic(name, 4, 1)])
    members = [Member(bootstrap, name, f"{name}-group") for _ in range(2)]

    def shared(count):
        return [len(member.consumer.assignment()) for member in members] == [count] * len(members)

    until("two members share four partitions", lambda: shared(2))
    produce(bootstrap, name, records(name, 40))
    until("all is read", lambda: sum(len(member.found) for member in members) == 40)
    members.pop().leave()
    until("the other takes over", lambda: shared(4))
    members[0].leave()
    produce(bootstrap, name, records("later", 10))
    again = consumer(bootstrap, name, f"{name}-group")
    values = [next(again).value for _ in range(10)]
    expect(all(value.startswith(b"later") for value in values), f"read again: {values[:1]}")
    again.close()
    return "rebalancing, commits, resumption"


def admin(bootstrap, name):
    client = KafkaAdminClient(bootstrap_servers=bootstrap)
    client.create_topics([NewTopic(name, 2, 1, topic_configs={"retention.ms": "3600000"})])
    client.create_partitions({name: NewPartitions(4)})
    expect(name in client.list_topics(), "not listed")
    topics = until("four partitions", lambda: [
        t for t in client.describe_topics([name]) if len(t["partitions"]) == 4])
    expect(topics[0]["topic" if "topic" in topics[0] else "name"] == name, "another topic")
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    expect("3600000" in str(client.describe_configs([resource])), "retention.ms is another")
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "7200000"})])
    expect("7200000" in str(client.describe_configs([resource])), "retention.ms stayed")
    produce(bootstrap, name, records(name, 40))
    deleted = ""
    if hasattr(client, "delete_records"):
        client.delete_records({TopicPartition(name, 0): 1})
        deleted = "records, "
    reader = consumer(bootstrap, name, f"{name}-group")
    reader.poll(2000)
    reader.commit({TopicPartition(name, 0): offset(1)})
    reader.close()
    group = f"{name}-group"
    expect(any(group in str(found) for found in either(client, "list_groups", "list_consumer_groups")()), "not listed")
    either(client, "describe_groups", "describe_consumer_groups")([group])
    expect(committed(client, group)[TopicPartition(name, 0)].offset == 1, "another offset")
    client.describe_cluster()
    more = ""
    if newer():
        client.alter_group_offsets(group, {TopicPartition(name, 0): offset(2)})
        expect(committed(client, group)[TopicPartition(name, 0)].offset == 2, "the offset was not altered")
        client.delete_group_offsets(group, [TopicPartition(name, 0)])
        client.describe_topic_partitions([name])
        client.describe_producers([TopicPartition(name, 0)])
        client.list_transactions()
        client.describe_log_dirs()
        more = ", directories, producers, transactions"
    either(client, "delete_groups", "delete_consumer_groups")([group])
    expect(not any(group in str(found) for found in either(client, "list_groups", "list_consumer_groups")()), "not deleted")
    client.delete_topics([name])
    return f"topics, partitions, properties, {deleted}groups, offsets{more}"


def either(client, name, older_name):
    return getattr(client, name, None) or getattr(client, older_name)


def committed(client, group):
    if hasattr(client, "list_group_offsets"):
        return client.list_group_offsets(group)[group]
    return client.list_consumer_group_offsets(group)


def idempotence(bootstrap, name):
    if not newer():
        raise Missing("this version has none")
    produce(bootstrap, name, records(name), enable_idempotence=True)
    expect(len(read_with_kcat(bootstrap, name)) == 50, "other records")


def transactions(bootstrap, name):
    if not newer():
        raise Missing("this version has none")
    KafkaAdminClient(bootstrap_servers=bootstrap).create_topics([NewTopic(name, 1, 1)])
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    producer.init_transactions()
    for number, commits in enumerate([False, True, False, True]):
        producer.begin_transaction()
        producer.send(name, value=b"%d" % number)
        producer.send_offsets_to_transaction({TopicPartition(name, 0): offset(number)}, f"{name}-group")
        # Without this the client loops for ever over a record that was not sent yet.
        producer.flush()
        producer.commit_transaction() if commits else producer.abort_transaction()
    producer.close()
    values = [v for _, v in read(bootstrap, name, 2, isolation_level="read_committed")]
    expect(values == [b"1", b"3"], f"committed: {values}")
    offsets = committed(KafkaAdminClient(bootstrap_servers=bootstrap), f"{name}-group")
    expect(offsets[TopicPartition(name, 0)].offset == 3, f"{offsets}")
    return "commit, abort, offsets"


main({"version": version, "records": records_check, "groups": groups, "admin": admin, "idempotence": idempotence,
      "transactions": transactions})

"""What administrators do, by clients that nobody here wrote.

    admin.py CLIENT --bootstrap B --topic T

CLIENT is confluent (librdkafka) or kafka-python. Each makes topic T with 2 partitions, describes and alters its
configuration and the broker's, adds a partition, writes ten records, deletes four, commits offsets in groups, lists,
describes and deletes them, and removes all that it made. What it sees it prints as one JSON line:

    {"retention": …, "altered": …, "appended": …, "reset": …, "node": …, "partitions": n, "low": n, "offset": n,
     "groups": bool, "state": …, "deleted": bool, "cluster": n, …}

kafka-python looks at more: single offsets deleted, directories, the cluster, pages of topics, producers, transactions.
"""

import argparse
import json


def confluent(options):
    from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
    from confluent_kafka.admin import (
        AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, ResourceType)

    admin = AdminClient({"bootstrap.servers": options.bootstrap})
    topic, group, seen = options.topic, options.topic + "-group", {}

    def only(futures):
        return next(iter(futures.values())).result(30)

    def describe(kind, name):
        return only(admin.describe_configs([ConfigResource(kind, name)]))

    def alter(kind, name, *steps):
        entries = [ConfigEntry(n, v, incremental_operation=op) for n, op, v in steps]
        only(admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=entries)]))

    only(admin.create_topics([NewTopic(topic, 2, 1, config={"retention.ms": "3600000"})]))
    seen["retention"] = describe(ResourceType.TOPIC, topic)["retention.ms"].value
    alter(ResourceType.TOPIC, topic, ("retention.ms", AlterConfigOpType.SET, "7200000"),
          ("cleanup.policy", AlterConfigOpType.APPEND, "compact"))
    altered = describe(ResourceType.TOPIC, topic)
    seen["altered"] = altered["retention.ms"].value
    seen["source"] = altered["retention.ms"].source
    seen["appended"] = altered["cleanup.policy"].value
    # Takes back everything that is not named.
    only(admin.alter_configs([ConfigResource(ResourceType.TOPIC, topic, set_config={"segment.ms": "60000"})]))
    seen["reset"] = describe(ResourceType.TOPIC, topic)["cleanup.policy"].value
    node = str(next(iter(admin.list_topics(timeout=30).brokers)))
    alter(ResourceType.BROKER, node, ("log.cleaner.backoff.ms", AlterConfigOpType.SET, "14000"))
    seen["node"] = describe(ResourceType.BROKER, node)["log.cleaner.backoff.ms"].value
    alter(ResourceType.BROKER, node, ("log.cleaner.backoff.ms", AlterConfigOpType.DELETE, None))

    only(admin.create_partitions([NewPartitions(topic, 3)]))
    producer = Producer({"bootstrap.servers": options.bootstrap})
    for number in range(10):
        producer.produce(topic, f"{number}", partition=2)
    assert producer.flush(30) == 0
    seen["partitions"] = len(admin.list_topics(topic, timeout=30).topics[topic].partitions)
    seen["low"] = only(admin.delete_records([TopicPartition(topic, 2, 4)])).low_watermark

    wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, 2, 7)])
    only(admin.alter_consumer_group_offsets([wanted]))
    found = only(admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
    seen["offset"] = found.topic_partitions[0].offset
    seen["groups"] = group in [g.group_id for g in admin.list_consumer_groups().result(30).valid]
    seen["state"] = only(admin.describe_consumer_groups([group])).state.name.capitalize()
    only(admin.delete_consumer_groups([group]))
    seen["deleted"] = group not in [g.group_id for g in admin.list_consumer_groups().result(30).valid]
    seen["cluster"] = len(admin.describe_cluster().result(30).nodes)
    only(admin.delete_topics([topic]))
    return seen


def kafka_python(options):
    from kafka import KafkaProducer, TopicPartition
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
    from kafka.structs import OffsetAndMetadata

    admin = KafkaAdminClient(bootstrap_servers=options.bootstrap)
    topic, group, seen = options.topic, options.topic + "-group", {}

    def describe(kind, name, key):
        found = admin.describe_configs([ConfigResource(kind, name, {key: None})], config_filter="all")
        return next(iter(next(iter(found.values())).values()))[key]["value"]

    def alter(kind, name, **changes):
        return admin.alter_configs([ConfigResource(kind, name, {k.replace("_", "."): v for k, v in changes.items()})])

    admin.create_topics({topic: {"num_partitions": 2, "configs": {"retention.ms": "3600000"}}})
    seen["retention"] = describe(ConfigResourceType.TOPIC, topic, "retention.ms")
    alter(ConfigResourceType.TOPIC, topic, retention_ms="7200000", cleanup_policy=("APPEND", "compact"))
    seen["altered"] = describe(ConfigResourceType.TOPIC, topic, "retention.ms")
    seen["appended"] = describe(ConfigResourceType.TOPIC, topic, "cleanup.policy")
    admin.reset_configs([ConfigResource(ConfigResourceType.TOPIC, topic, ["cleanup.policy"])])
    seen["reset"] = describe(ConfigResourceType.TOPIC, topic, "cleanup.policy")
    cluster = admin.describe_cluster()
    seen["cluster"] = len(cluster["brokers"])
    node = str(cluster["brokers"][0].get("node_id", cluster["brokers"][0].get("broker_id")))
    alter(ConfigResourceType.BROKER, node, log_cleaner_backoff_ms="14000")
    seen["node"] = describe(ConfigResourceType.BROKER, node, "log.cleaner.backoff.ms")
    admin.reset_configs([ConfigResource(ConfigResourceType.BROKER, node, ["log.cleaner.backoff.ms"])])

    admin.create_partitions({topic: 3})
    producer = KafkaProducer(bootstrap_servers=options.bootstrap, transactional_id=topic)
    producer.init_transactions()
    producer.begin_transaction()
    for number in range(10):
        producer.send(topic, f"{number}".encode(), partition=2)
    producer.flush(30)
    partition = TopicPartition(topic, 2)
    seen["producers"] = len(admin.describe_producers([partition])[partition].active_producers)
    seen["transactions"] = [str(t.state.value) for t in admin.describe_transactions([topic]).values()]
    seen["listed"] = [t.transactional_id for found in admin.list_transactions().values() for t in found].count(topic)
    producer.commit_transaction()
    page = admin.describe_topic_partitions([topic])
    seen["partitions"] = len(page["topics"][0]["partitions"])
    seen["low"] = admin.delete_records({partition: 4})[partition]["low_watermark"]
    seen["bytes"] = sum(
        p["partition_size"] for b in admin.describe_log_dirs({topic: [0, 1, 2]}) for d in b["log_dirs"]
        for t in d["topics"] for p in t["partitions"]) > 0

    offsets = {TopicPartition(topic, n): OffsetAndMetadata(7, "", -1) for n in (1, 2)}
    admin.alter_group_offsets(group, offsets)
    admin.delete_group_offsets(group, [TopicPartition(topic, 1)])
    left = admin.list_group_offsets({group: None})[group]
    seen["left"] = [p.partition for p in left]
    seen["offset"] = left[partition].offset
    seen["groups"] = group in [g["group_id"] for g in admin.list_groups()]
    seen["state"] = admin.describe_groups([group])[group]["group_state"]
    admin.delete_groups([group])
    seen["deleted"] = group not in [g["group_id"] for g in admin.list_groups()]
    admin.delete_topics([topic])
    return seen


parser = argparse.ArgumentParser()
parser.add_argument("client", choices=["confluent", "kafka-python"])
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--topic", required=True)
options = parser.parse_args()
print(json.dumps({"confluent": confluent, "kafka-python": kafka_python}[options.client](options)), flush=True)

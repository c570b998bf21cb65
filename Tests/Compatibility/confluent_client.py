"""confluent-kafka: the Python face of librdkafka."""

import confluent_kafka
from check import CODECS, expect, main, read_with_kcat, records, until
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec, ResourceType)


def version(*_):
    return f"{confluent_kafka.__version__}, librdkafka {confluent_kafka.libversion()[0]}"


def consumer(bootstrap, group, **more):
    return Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "session.timeout.ms": 6000, **more})


def read(bootstrap, topic, count, isolation="read_committed"):
    reader = consumer(bootstrap, f"{topic}-readers", **{"isolation.level": isolation})
    reader.subscribe([topic])
    found = []
    while len(found) < count:
        message = reader.poll(20)
        expect(message is not None and not message.error(), f"{len(found)} of {count} read; {message and message.error()}")
        found.append((message.key(), message.value()))
    reader.close()
    return found


def produce(bootstrap, topic, sent, **settings):
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, **settings})
    failures = []
    for key, value in sent:
        producer.produce(topic, key=key, value=value, headers=[("h", b"v")],
                         on_delivery=lambda error, _: failures.append(error) if error else None)
    expect(producer.flush(30) == 0 and not failures, f"not delivered: {failures[:1]}")


def records_check(bootstrap, name):
    for codec in CODECS:
        sent = records(name) + [(b"tombstone", None)]
        produce(bootstrap, f"{name}-{codec}", sent, **{"compression.type": codec})
        expect(sorted(read(bootstrap, f"{name}-{codec}", len(sent)), key=str) == sorted(sent, key=str), codec)
    return "five codecs, keys, headers, tombstones"


def groups(bootstrap, name):
    admin_client = AdminClient({"bootstrap.servers": bootstrap})
    admin_client.create_topics([NewTopic(name, 4, 1)])[name].result(20)
    members = [consumer(bootstrap, f"{name}-group", **{"partition.assignment.strategy": "cooperative-sticky"})
               for _ in range(2)]
    for member in members:
        member.subscribe([name])

    def shared():
        for member in members:
            member.poll(0.1)
        return [len(member.assignment()) for member in members] == [2] * len(members)

    until("two members share four partitions", shared)
    produce(bootstrap, name, records(name, 40))
    read_by = []
    while len(read_by) < 40:
        for member in members:
            message = member.poll(0.1)
            if message and not message.error():
                read_by.append(message.value())
                member.commit(message=message, asynchronous=False)
    members.pop().close()
    until("the other takes over", lambda: members[0].poll(0.1) or len(members[0].assignment()) == 4)
    members[0].close()
    produce(bootstrap, name, records("later", 10))
    expect(len(read(bootstrap, name, 50)) == 50, "")
    again = consumer(bootstrap, f"{name}-group")
    again.subscribe([name])
    values = [until("the group goes on", lambda: again.poll(1)).value() for _ in range(10)]
    expect(all(value.startswith(b"later") for value in values), f"read again: {values[:1]}")
    again.close()
    return "cooperative rebalancing, commits, resumption"


def admin(bootstrap, name):
    client = AdminClient({"bootstrap.servers": bootstrap})

    def done(futures):
        return [future.result(20) for future in futures.values()]

    done(client.create_topics([NewTopic(name, 2, 1, config={"retention.ms": "3600000"})]))
    done(client.create_partitions([NewPartitions(name, 4)]))
    until("four partitions", lambda: len(client.list_topics(name, timeout=10).topics[name].partitions) == 4)
    resource = ConfigResource(ResourceType.TOPIC, name)
    expect(done(client.describe_configs([resource]))[0]["retention.ms"].value == "3600000", "retention.ms is another")
    change = ConfigResource(ResourceType.TOPIC, name, incremental_configs=[
        ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)])
    done(client.incremental_alter_configs([change]))
    expect(done(client.describe_configs([resource]))[0]["retention.ms"].value == "7200000", "retention.ms stayed")
    done(client.alter_configs([ConfigResource(ResourceType.TOPIC, name, set_config={"cleanup.policy": "delete"})]))
    expect(done(client.describe_configs([ConfigResource(ResourceType.BROKER, "1")]))[0], "the broker has no properties")
    produce(bootstrap, name, records(name, 40))
    ends = client.list_offsets({TopicPartition(name, p): OffsetSpec.latest() for p in range(4)})
    expect(sum(end.offset for end in done(ends)) == 40, "the ends are others")
    done(client.delete_records([TopicPartition(name, p, 1) for p in range(4)]))
    starts = done(client.list_offsets({TopicPartition(name, p): OffsetSpec.earliest() for p in range(4)}))
    expect({start.offset for start in starts} == {1}, "records were not deleted")
    reader = consumer(bootstrap, f"{name}-group")
    reader.assign([TopicPartition(name, 0, 1)])
    reader.commit(offsets=[TopicPartition(name, 0, 1)], asynchronous=False)
    reader.close()
    expect(any(group.group_id == f"{name}-group" for group in client.list_consumer_groups().result(20).valid), "no group")
    done(client.describe_consumer_groups([f"{name}-group"]))
    expect(client.describe_cluster().result(20).controller.id == 1, "another controller")
    done(client.describe_topics(confluent_kafka.TopicCollection([name])))
    done(client.delete_consumer_groups([f"{name}-group"]))
    done(client.delete_topics([name]))
    return "topics, partitions, properties, records, groups, offsets, cluster"


def idempotence(bootstrap, name):
    produce(bootstrap, name, records(name), **{"enable.idempotence": True})
    expect(len(read_with_kcat(bootstrap, name)) == 50, "other records")


def transactions(bootstrap, name):
    client = AdminClient({"bootstrap.servers": bootstrap})
    client.create_topics([NewTopic(name, 1, 1)])[name].result(20)
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": name})
    producer.init_transactions(20)
    group = consumer(bootstrap, f"{name}-group")
    for number, commits in enumerate([False, True, False, True]):
        producer.begin_transaction()
        producer.produce(name, value=f"{number}")
        producer.send_offsets_to_transaction([TopicPartition(name, 0, number)], group.consumer_group_metadata(), 20)
        producer.flush(20)
        producer.commit_transaction(20) if commits else producer.abort_transaction(20)
    expect([value for _, value in read(bootstrap, name, 2)] == [b"1", b"3"], "committed: other records")
    everything = read_with_kcat(bootstrap, name, "-X", "isolation.level=read_uncommitted")
    expect(everything == ["0", "1", "2", "3"], f"uncommitted: {everything}")
    expect(group.committed([TopicPartition(name, 0)], timeout=10)[0].offset == 3, "another offset")
    producer.begin_transaction()
    producer.produce(name, value="zombie")
    producer.flush(20)
    Producer({"bootstrap.servers": bootstrap, "transactional.id": name}).init_transactions(20)
    try:
        producer.commit_transaction(20)
    except KafkaException as error:
        expect(error.args[0].fatal(), f"not fatal: {error}")
    else:
        expect(False, "the zombie was let in")
    group.close()
    return "commit, abort, offsets, fencing"


main({"version": version, "records": records_check, "groups": groups, "admin": admin, "idempotence": idempotence,
      "transactions": transactions})

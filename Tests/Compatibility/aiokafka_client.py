"""aiokafka: an implementation of its own for asyncio, in Python."""

import asyncio

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from check import CODECS, expect, main, read_with_kcat, records


def version(*_):
    return aiokafka.__version__


def run(check):
    return lambda bootstrap, name: asyncio.run(check(bootstrap, name))


async def admin_client(bootstrap):
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    return client


async def create(bootstrap, name, partitions):
    client = await admin_client(bootstrap)
    await client.create_topics([NewTopic(name, partitions, 1)])
    await client.close()


def consumer(bootstrap, topic, group, **more):
    return AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                            enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=500,
                            metadata_max_age_ms=1000, **more)


async def read(reader, count):
    return [await asyncio.wait_for(reader.getone(), 20) for _ in range(count)]


async def produce(bootstrap, topic, sent, **settings):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, **settings) as producer:
        await asyncio.gather(*[
            await producer.send(topic, key=key, value=value, headers=[("h", b"v")]) for key, value in sent])


async def records_check(bootstrap, name):
    for codec in CODECS:
        sent = records(name) + [(b"tombstone", None)]
        await produce(bootstrap, f"{name}-{codec}", sent, compression_type=None if codec == "none" else codec)
        async with consumer(bootstrap, f"{name}-{codec}", f"{name}-{codec}") as reader:
            found = [(message.key, message.value) for message in await read(reader, len(sent))]
        expect(sorted(found, key=str) == sorted(sent, key=str), codec)
    return "five codecs, keys, headers, tombstones"


async def groups(bootstrap, name):
    await create(bootstrap, name, 4)
    members = [consumer(bootstrap, name, f"{name}-group") for _ in range(2)]
    for member in members:
        await member.start()

    async def shared():
        while [len(member.assignment()) for member in members] != [4 // len(members)] * len(members):
            await asyncio.sleep(0.05)

    await asyncio.wait_for(shared(), 30)
    await produce(bootstrap, name, records(name, 40))
    found = []
    while len(found) < 40:
        for member in members:
            for batch in (await member.getmany(timeout_ms=100)).values():
                found += [message.value for message in batch]
            await member.commit()
    await members.pop().stop()
    await asyncio.wait_for(shared(), 30)
    await members[0].stop()
    await produce(bootstrap, name, records("later", 10))
    async with consumer(bootstrap, name, f"{name}-group") as again:
        values = [message.value for message in await read(again, 10)]
    expect(all(value.startswith(b"later") for value in values), f"read again: {values[:1]}")
    return "rebalancing, commits, resumption"


async def admin(bootstrap, name):
    client = await admin_client(bootstrap)
    await client.create_topics([NewTopic(name, 2, 1, topic_configs={"retention.ms": "3600000"})])
    answer = await client.create_partitions({name: NewPartitions(4)})
    expect("error_code=0" in str(answer) or not answer.topic_errors[0][1], f"{answer}")
    expect(name in await client.list_topics(), "not listed")
    topic = (await client.describe_topics([name]))[0]
    expect(len(topic["partitions"]) == 4, "other partitions")
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    expect("3600000" in str(await client.describe_configs([resource])), "retention.ms is another")
    await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, {"retention.ms": "7200000"})])
    expect("7200000" in str(await client.describe_configs([resource])), "retention.ms stayed")
    await produce(bootstrap, name, records(name, 40))
    if hasattr(client, "delete_records"):
        from aiokafka.admin.records_to_delete import RecordsToDelete

        await client.delete_records({TopicPartition(name, 0): RecordsToDelete(before_offset=1)})
    async with consumer(bootstrap, name, f"{name}-group") as reader:
        await reader.getone()
        await reader.commit({TopicPartition(name, 0): 1})
    expect(any(f"{name}-group" in str(group) for group in await client.list_consumer_groups()), "no group")
    await client.describe_consumer_groups([f"{name}-group"])
    offsets = await client.list_consumer_group_offsets(f"{name}-group")
    expect(offsets[TopicPartition(name, 0)].offset == 1, f"{offsets}")
    await client.describe_cluster()
    await client.delete_topics([name])
    await client.close()
    return "topics, partitions, properties, groups, offsets"


async def idempotence(bootstrap, name):
    await produce(bootstrap, name, records(name), enable_idempotence=True)
    expect(len(read_with_kcat(bootstrap, name)) == 50, "other records")


async def transactions(bootstrap, name):
    await create(bootstrap, name, 1)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    await producer.start()
    for number, commits in enumerate([False, True, False, True]):
        await producer.begin_transaction()
        await producer.send_and_wait(name, b"%d" % number)
        await producer.send_offsets_to_transaction({TopicPartition(name, 0): number}, f"{name}-group")
        await (producer.commit_transaction() if commits else producer.abort_transaction())
    async with consumer(bootstrap, name, f"{name}-other", isolation_level="read_committed") as reader:
        committed = [message.value for message in await read(reader, 2)]
    expect(committed == [b"1", b"3"], f"committed: {committed}")
    async with consumer(bootstrap, name, f"{name}-group") as group:
        expect(await group.committed(TopicPartition(name, 0)) == 3, "another offset")
    await producer.begin_transaction()
    await producer.send_and_wait(name, b"zombie")
    successor = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    await successor.start()
    try:
        await producer.commit_transaction()
    except KafkaError:
        pass
    else:
        expect(False, "the zombie was let in")
    await successor.stop()
    return "commit, abort, offsets, fencing"


main({"version": version, "records": run(records_check), "groups": run(groups), "admin": run(admin),
      "idempotence": run(idempotence), "transactions": run(transactions)})

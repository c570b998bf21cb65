"""`kafka-topics.sh` as far as librdkafka's tests use it: --create, --alter --partitions and --delete."""

import argparse

from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

parser = argparse.ArgumentParser()
parser.add_argument("--bootstrap-server", required=True)
for action in ["create", "alter", "delete"]:
    parser.add_argument(f"--{action}", action="store_true")
parser.add_argument("--topic", required=True)
parser.add_argument("--partitions", type=int, default=1)
parser.add_argument("--replication-factor", type=int, default=1)
parser.add_argument("--config", action="append", default=[])
options = parser.parse_args()
admin = AdminClient({"bootstrap.servers": options.bootstrap_server})
if options.create:
    properties = dict(text.split("=", 1) for text in options.config)
    done = admin.create_topics([NewTopic(options.topic, options.partitions, options.replication_factor, config=properties)])
elif options.alter:
    done = admin.create_partitions([NewPartitions(options.topic, options.partitions)])
else:
    done = admin.delete_topics([options.topic])
done[options.topic].result(30)

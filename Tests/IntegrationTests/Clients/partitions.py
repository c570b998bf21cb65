"""Gives a topic more partitions.

    partitions.py confluent --bootstrap HOST:PORT --topic T --count N
"""

import argparse

from confluent_kafka.admin import AdminClient, NewPartitions

parser = argparse.ArgumentParser()
parser.add_argument("client", choices=["confluent"])
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--topic", required=True)
parser.add_argument("--count", type=int, required=True)
arguments = parser.parse_args()

admin = AdminClient({"bootstrap.servers": arguments.bootstrap})
admin.create_partitions([NewPartitions(arguments.topic, arguments.count)])[arguments.topic].result(30)

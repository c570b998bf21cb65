#!/usr/bin/env python3
"""Writes messages.txt: what an independent implementation makes of every message at every version.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install kafka-python==3.0.12
    /tmp/golden/bin/python make_messages.py > messages.txt

kafka-python encodes straight from Kafka's published schemas, which it carries. Each field gets a value of its own, so
that two fields in the wrong order show. A line is: name, first and last version with these bytes, "full" (everything
set) or "null" (everything null or empty that may be), the bytes in hexadecimal, and the fields with their values, those
that the version does not have at their defaults.
"""
import uuid
from kafka.protocol.api_message import ApiMessage

MESSAGES = {
    "Produce": (0, 12), "Fetch": (4, 17), "ListOffsets": (1, 10), "Metadata": (0, 13), "OffsetCommit": (1, 9),
    "OffsetFetch": (1, 9), "FindCoordinator": (0, 6), "JoinGroup": (0, 9), "Heartbeat": (0, 4), "LeaveGroup": (0, 5),
    "SyncGroup": (0, 5), "ApiVersions": (0, 4), "CreateTopics": (0, 7), "DeleteTopics": (1, 6),
    "InitProducerId": (0, 5), "DescribeGroups": (0, 6), "ListGroups": (0, 5), "AddPartitionsToTxn": (0, 5),
    "AddOffsetsToTxn": (0, 4), "EndTxn": (0, 5), "TxnOffsetCommit": (0, 5), "DeleteGroups": (0, 2),
    "OffsetDelete": (0, 0), "DeleteRecords": (0, 2), "OffsetForLeaderEpoch": (2, 4), "CreatePartitions": (0, 3),
    "DescribeConfigs": (0, 4), "AlterConfigs": (0, 2), "IncrementalAlterConfigs": (0, 1), "DescribeLogDirs": (1, 4),
    "DescribeCluster": (0, 2), "DescribeProducers": (0, 0), "DescribeTransactions": (0, 0), "ListTransactions": (0, 1),
    "DescribeTopicPartitions": (0, 0), "SaslHandshake": (0, 1), "SaslAuthenticate": (0, 2),
}


def versions(text, default=(0, 32767)):
    if not text:
        return default
    if text == "none":
        return (1, 0)
    if text.endswith("+"):
        return (int(text[:-1]), 32767)
    low, _, high = text.partition("-")
    return (int(low), int(high or low))


def within(version, bounds):
    return bounds[0] <= version <= bounds[1]


class Filler:
    def __init__(self, version, described, full):
        self.version, self.described, self.full, self.count = version, described, full, 0

    def leaf(self, kind):
        self.count += 1
        k = self.count
        return {
            "int8": k % 100 + 1, "int16": 1000 + k, "int32": 1_000_000 + k, "int64": 1_000_000_000_000 + k,
            "float64": k + 0.5, "bool": True, "string": "s%d" % k, "bytes": b"b%d" % k, "records": b"r%d" % k,
            "uuid": uuid.UUID(int=(k << 64) + 7),
        }[kind]

    def default(self, field):
        kind, text = field["type"], field.get("default")
        if text == "null" or (kind == "records" and text is None):
            return None
        if kind.startswith("[]"):
            return []
        if "fields" in field:
            return {f["name"]: self.default(f) for f in field["fields"] if self.is_described(f)}
        if kind == "bool":
            return str(text).lower() == "true"
        if kind.startswith("int"):
            return int(str(text), 0) if text not in (None, "") else 0
        return {"string": text or "", "bytes": b"", "uuid": uuid.UUID(int=0)}[kind]

    def is_described(self, field):
        bounds = versions(field["versions"])
        return bounds[0] <= self.described[1] and bounds[1] >= self.described[0]

    def value(self, field):
        kind = field["type"]
        nullable = within(self.version, versions(field.get("nullableVersions"), (1, 0)))
        if not self.full and (nullable or "tag" in field):
            return None if nullable and "tag" not in field else self.default(field)
        if kind.startswith("[]"):
            if not self.full:
                return []
            inner = {**field, "type": kind[2:], "nullableVersions": "none"}
            inner.pop("default", None)
            return [self.value(inner), self.value(inner)]
        if "fields" in field:
            return self.struct(field["fields"])
        return self.leaf(kind)

    def struct(self, fields):
        result = {}
        for field in fields:
            if self.is_described(field):
                there = within(self.version, versions(field["versions"]))
                result[field["name"]] = self.value(field) if there else self.default(field)
        return result


def container(cls, fields, values, version):
    """The values as kafka-python's own objects, without the fields that the version does not have."""
    arguments = {}
    for field in fields:
        if field["name"] not in values or not within(version, versions(field["versions"])):
            continue
        value, name = values[field["name"]], underscore(field["name"])
        if "fields" in field and value is not None:
            inner = cls._struct.fields[name].data_class
            if "tag" in field and value == Filler(version, (0, 32767), False).default(field):
                continue
            make = lambda v: container(inner, field["fields"], v, version)
            value = [make(v) for v in value] if isinstance(value, list) else make(value)
        if "tag" in field and value == Filler(version, (0, 32767), False).default(field):
            continue
        arguments[name] = value
    return cls(version=version, **arguments)


def underscore(name):
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


def show(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"%s"' % value
    if isinstance(value, bytes):
        return "x" + value.hex()
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, list):
        return "[" + ",".join(map(show, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join("%s=%s" % (k.lower(), show(v)) for k, v in sorted(value.items(), key=lambda p: p[0].lower())) + "}"
    return str(value)


for api, described in MESSAGES.items():
    for kind in ("Request", "Response"):
        cls = type(ApiMessage)(api + kind, (ApiMessage,), {})
        fields = cls._json["fields"]
        for variant in ("full", "null"):
            lines = []
            for version in range(described[0], described[1] + 1):
                values = Filler(version, described, variant == "full").struct(fields)
                data = container(cls, fields, values, version).encode(version=version)
                line = (bytes(data).hex() or "-", show(values))
                if lines and lines[-1][2] == line:
                    lines[-1][1] = version
                else:
                    lines.append([version, version, line])
            for first, last, line in lines:
                print(api + kind, first, last, variant, *line)

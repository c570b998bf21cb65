#!/usr/bin/env bash
# Stands in for Kafka's own script where librdkafka's tests call it: as much of it as they use.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/../../../../.build-python/bin/python" "$here/topics.py" "$@"

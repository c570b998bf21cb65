#!/usr/bin/env python3
"""Runs what each client can do against a Kafka, and writes docs/compatibility.md from what came of it.

    run.py --bootstrap B|--tidings PROGRAM [--quick] [--client NAME …] [--write FILE]

--tidings starts a broker of our own; --quick leaves out what is for the long runs only. The status is 1 when something failed.
"""

import argparse
import concurrent.futures
import os
import subprocess
import sys
import uuid

from broker import Broker
from marks import put

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON = f"{ROOT}/.build-python/bin/python"
MORE_PYTHON = f"{ROOT}/.build-clients/python/bin/python"
SARAMA = f"{ROOT}/.build-clients/sarama"

CHECKS = {
    "records": "produce, consume", "groups": "groups", "admin": "admin", "idempotence": "idempotence",
    "transactions": "transactions",
}
# name, command, further arguments, whether the quick run has it
CLIENTS = [
    ("kcat", [PYTHON, "kcat_client.py"], [], True),
    ("confluent-kafka", [PYTHON, "confluent_client.py"], [], True),
    ("aiokafka", [PYTHON, "aiokafka_client.py"], [], True),
    ("kafka-python", [PYTHON, "kafka_python_client.py"], [], True),
    ("kafka-python, older", [MORE_PYTHON, "kafka_python_client.py"], [], False),
    ("Sarama, protocol 0.11", [SARAMA], ["--protocol", "0.11.0.0"], False),
    ("Sarama, protocol 1.0", [SARAMA], ["--protocol", "1.0.0"], False),
    ("Sarama, protocol 2.2", [SARAMA], ["--protocol", "2.2.0"], False),
    ("rsyslog, omkafka", [PYTHON, "rsyslog_client.py"], [], False),
    ("Quix Streams", [MORE_PYTHON, "quixstreams_client.py"], [], False),
]
HAS_NONE = 3


class Outcome:
    def __init__(self, client, check, status, said):
        self.client, self.check, self.status, self.said = client, check, status, said

    @property
    def failed(self):
        return self.status not in (0, HAS_NONE)

    @property
    def cell(self):
        if self.status == 0:
            return "yes" + (f": {self.said}" if self.said else "")
        return f"— {self.said}" if self.status == HAS_NONE else f"**no**: {self.said}"


def run(client, check, bootstrap):
    name, command, more, _ = client
    arguments = [check, "--bootstrap", bootstrap, "--name", f"compatibility-{uuid.uuid4().hex[:8]}", *more]
    try:
        done = subprocess.run(command + arguments, cwd=HERE, capture_output=True, text=True, timeout=180)
        lines = (done.stdout if done.returncode in (0, HAS_NONE) else done.stderr).strip().splitlines()
        return Outcome(name, check, done.returncode, lines[-1].strip() if lines else "")
    except subprocess.TimeoutExpired:
        return Outcome(name, check, -1, "does not end")


def table(clients, outcomes):
    lines = ["| | version | " + " | ".join(CHECKS.values()) + " |", "|---" * (len(CHECKS) + 2) + "|"]
    for name, *_ in clients:
        cells = [outcomes[name, check].cell for check in ["version", *CHECKS]]
        cells[0] = cells[0].removeprefix("yes: ")
        lines.append(f"| {name} | " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap")
    parser.add_argument("--tidings", metavar="PROGRAM")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--client", action="append")
    parser.add_argument("--write", metavar="FILE", help="put the table between the marks of this file")
    options = parser.parse_args()
    clients = [
        client for client in CLIENTS
        if (client[3] or not options.quick) and (not options.client or client[0] in options.client)]
    broker = None if options.bootstrap else Broker(options.tidings)
    bootstrap = options.bootstrap or broker.bootstrap
    jobs = [(client, check) for client in clients for check in ["version", *CHECKS]]
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        done = list(pool.map(lambda job: run(*job, bootstrap), jobs))
    if broker:
        broker.stop()
    outcomes = {(outcome.client, outcome.check): outcome for outcome in done}
    text = table(clients, outcomes)
    print(text)
    if options.write:
        put(options.write, "clients", text)
    failures = [f"{o.client}, {o.check}: {o.said}" for o in done if o.failed]
    print("\n".join(failures), file=sys.stderr)
    sys.exit(1 if failures else 0)


main()

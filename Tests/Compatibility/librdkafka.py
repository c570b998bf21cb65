#!/usr/bin/env python3
"""Runs librdkafka's own tests, from Debian's source package, against a broker of ours.

    librdkafka.py --tests FOLDER --tidings PROGRAM [--only 0001,0002] [--logs FOLDER] [--write FILE]

FOLDER is librdkafka's `tests`, as `build-librdkafka` leaves it. Each test runs by itself, with a broker for the scenario it
asks for. Tests that need no Kafka, and those librdkafka itself marks as known issues, are left out; those that one broker
without authentication cannot have are named with the reason. The status is 1 when one of the others failed.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

from broker import Broker
from marks import put

HERE = os.path.dirname(os.path.abspath(__file__))
UNFIT = {
    "0097": "TLS", "0098": "its producers are in Java", "0101": "several brokers", "0109": "ACLs", "0115": "ACLs",
    "0119": "ACLs", "0126": "OAuth", "0135": "SASL",
}
# Message formats 0 and 1 are what Kafka does not take either since 4.0.
UNFIT |= {"0052": "message formats 0 and 1", "0092": "message formats 0 and 1"}
# A test that ends at its first failing part; of these parts each runs by itself.
PARTS = {
    "0081": [f"do_test_{part}" for part in [
        "unclean_destroy", "CreateTopics", "DeleteTopics", "CreatePartitions", "DescribeConfigs", "DeleteRecords",
        "DeleteGroups", "ListConsumerGroups", "DescribeConsumerGroups", "DeleteConsumerGroupOffsets",
        "AlterConsumerGroupOffsets", "ListConsumerGroupOffsets"]],
}
LEFT_OUT = {"0081": "but its parts on ACLs, and AlterConfigs, which alters a property of SASL"}
KNOWN = {
    "0107": "all records are read; then the client waits for ever, in its own destructor, for references that it holds to "
            "partitions the new topic does not have. Not understood; the broker answers others meanwhile",
}
TIMEOUT = 300


def tests(folder):
    """Names, with their scenarios, of the tests that need a Kafka."""
    with open(f"{folder}/test.c") as file:
        table = file.read().split("struct test tests[] = {")[1].split("{NULL}")[0]
    found = []
    for entry in table.split("_TEST(")[1:]:
        name, rest = entry.strip().split(",", 1)
        if re.search("TEST_F_(LOCAL|KNOWN_ISSUE\\b|MANUAL)", rest):
            continue
        scenario = re.search(r'\.scenario = "(\w+)', rest)
        found.append((name, scenario[1] if scenario else "default"))
    return found


def run_parts(folder, name, scenario, bootstrap, logs):
    """(passed, what was said)"""
    for part in PARTS.get(name[:4], [""]):
        passed, said = run(folder, name, scenario, bootstrap, logs, part)
        if not passed:
            return False, f"{part} {said}".strip()
    return True, LEFT_OUT.get(name[:4], "")


def run(folder, name, scenario, bootstrap, logs, part, quick=True):
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
        configuration.write(f"metadata.broker.list={bootstrap}\ntest.topic.random=true\n")
        configuration.flush()
        environment = {
            **os.environ, "TESTS": name, "RDKAFKA_TEST_CONF": configuration.name, "RDKAFKA_GITVER": "0@0",
            "LD_LIBRARY_PATH": f"{folder}/../src:{folder}/../src-cpp", "TEST_KAFKA_VERSION": "3.4.0",
            # Where the tests look for Kafka's own scripts.
            "KAFKA_PATH": f"{HERE}/kafka", "BROKERS": bootstrap, **({"SUBTESTS": part} if part else {})}
        command = ["./test-runner", "-p1", "-K", "-s", scenario] + (["-Q"] if quick else [])
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
            text = done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as expired:
            text = (expired.stdout or b"").decode(errors="replace") + "\nTEST FAILURE: does not end"
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    if logs:
        with open(f"{logs}/{name}{part}.log", "w") as log:
            log.write(text)
    outcome = re.search(rf"\|\s+{name}\s+\|\s+(\w+)", text)
    if outcome and outcome[1] == "SKIPPED" and quick and "quick mode" in text:
        return run(folder, name, scenario, bootstrap, logs, part, quick=False)
    if outcome and outcome[1] == "PASSED":
        return True, ""
    return False, last_words(text)


def last_words(text):
    lines = [line.strip() for line in text.splitlines()]
    for number, line in enumerate(lines):
        if line.startswith("### Test") and number + 1 < len(lines):
            return lines[number + 1][:200]
    said = [line for line in lines if re.search("SKIPP|TEST FAILURE", line)]
    return said[-1][:200] if said else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tests", required=True)
    parser.add_argument("--tidings", required=True)
    parser.add_argument("--only")
    parser.add_argument("--logs")
    parser.add_argument("--write", metavar="FILE")
    options = parser.parse_args()
    folder = os.path.abspath(options.tests)
    wanted = [
        (name, scenario) for name, scenario in tests(folder)
        if not options.only or name[:4] in options.only.split(",")]
    fit = [(name, scenario) for name, scenario in wanted if name[:4] not in UNFIT]
    brokers = {
        scenario: Broker(
            options.tidings, auto_create_topics_enable="false" if scenario == "noautocreate" else "true",
            log_cleaner_backoff_ms=1000)
        for scenario in {scenario for _, scenario in fit}}

    def one(test):
        passed, said = run_parts(folder, *test, brokers[test[1]].bootstrap, options.logs)
        print("passed" if passed else "FAILED", test[0], said, flush=True)
        return test[0], passed, said

    try:
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            outcomes = list(pool.map(one, fit))
    finally:
        for broker in brokers.values():
            broker.stop()
    failed = [(name, KNOWN.get(name[:4], said)) for name, passed, said in outcomes if not passed]
    lines = [f"{len(outcomes) - len(failed)} of {len(outcomes)} tests pass."]
    lines += ["", "Not passed:", ""] + [f"- `{name}`: {said}" for name, said in failed] if failed else []
    lines += ["", "Not run:", ""] + [f"- `{name}`: {UNFIT[name[:4]]}" for name, _ in wanted if name[:4] in UNFIT]
    lines += ["", "Passed:", ""]
    lines += [f"- `{name}`" + (f", {said}" if said else "") for name, passed, said in outcomes if passed]
    print(lines[0])
    if options.write:
        put(options.write, "librdkafka", "\n".join(lines))
    sys.exit(1 if any(name[:4] not in KNOWN for name, _ in failed) else 0)


main()

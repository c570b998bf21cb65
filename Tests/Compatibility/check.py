"""What the scripts for each client share: they are called as

    SCRIPT CHECK --bootstrap B --name N

where CHECK is one of `run.py`'s checks and N is a prefix for topics and groups that nobody else uses. A check that holds
ends with status 0; one for which the client has nothing ends with status 3 and says so in its last line; any other end is a
failure, explained by the last line of standard error.
"""

import argparse
import subprocess
import sys
import time

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
KCAT = "/usr/bin/kcat"


class Missing(Exception):
    """The client has no such thing."""


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def until(what, look, seconds=60):
    """Looks again until it finds something; for states that announce nothing."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        expect(time.monotonic() < deadline, f"never came true: {what}")
        time.sleep(0.05)


def records(name, count=50):
    """Keys and values alike enough that compression has something to do."""
    return [(f"key-{i % 7}".encode(), f"{name}: the same words again and again: {i}".encode()) for i in range(count)]


def kcat(*arguments, text=""):
    done = subprocess.run([KCAT, *arguments], input=text, capture_output=True, text=True, timeout=60)
    expect(done.returncode == 0, f"kcat {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
    return done.stdout.splitlines()


def read_with_kcat(bootstrap, topic, *more):
    """The values in a topic, as another client sees them."""
    return kcat("-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", *more)


def main(checks):
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=["records", "groups", "admin", "idempotence", "transactions", "version"])
    parser.add_argument("--bootstrap")
    parser.add_argument("--name")
    options = parser.parse_args()
    if options.check not in checks:
        print("the client has none")
        sys.exit(3)
    try:
        print(checks[options.check](options.bootstrap, options.name) or "")
    except Missing as reason:
        print(reason)
        sys.exit(3)

"""Quix Streams, a stream processor: counts words, with its state in a changelog topic, and goes on where it had stopped."""

import json
import tempfile

import quixstreams
from check import expect, kcat, main, read_with_kcat
from quixstreams import Application

WORDS = "to be or not to be that is the question whether tis nobler in the mind to suffer"


def version(*_):
    return quixstreams.__version__


def count_words(bootstrap, name, count, guarantee, folder):
    """Runs the word count until it has taken in `count` more lines."""
    app = Application(
        broker_address=bootstrap, consumer_group=name, auto_offset_reset="earliest", processing_guarantee=guarantee,
        state_dir=folder, commit_interval=0.2, loglevel="WARNING")
    lines = app.topic(f"{name}-lines", value_deserializer="str")
    counts = app.topic(f"{name}-counts", value_serializer="json", key_serializer="str")
    words = app.dataframe(lines).apply(lambda line: line.split(), expand=True)
    words = words.group_by(lambda word: word, name="word", key_serializer="str", key_deserializer="str")

    def tally(word, state):
        total = state.get("total", 0) + 1
        state.set("total", total)
        return {"word": word, "total": total}

    words.apply(tally, stateful=True).to_topic(counts, key=lambda value: value["word"])
    app.run(count=count, timeout=20)


def totals(bootstrap, name):
    found = {}
    for line in read_with_kcat(bootstrap, f"{name}-counts", "-X", "isolation.level=read_committed"):
        value = json.loads(line)
        found[value["word"]] = max(value["total"], found.get(value["word"], 0))
    return found


def check(bootstrap, name, guarantee):
    expected = {}
    # The second time with an empty directory, as on another machine: the state comes back from the changelog topic.
    for _ in range(2):
        for word in WORDS.split():
            expected[word] = expected.get(word, 0) + 2
        kcat("-P", "-b", bootstrap, "-t", f"{name}-lines", text=(WORDS + "\n") * 2)
        with tempfile.TemporaryDirectory() as folder:
            # Two lines, and each of their words once more on its way through the topic that groups them.
            count_words(bootstrap, name, 2 + 2 * len(WORDS.split()), guarantee, folder)
        found = totals(bootstrap, name)
        expect(found == expected, f"counted {found}")
    return f"word count, {guarantee}, with its state restored from the changelog"


main({"version": version, "groups": lambda b, n: check(b, n, "at-least-once"),
      "transactions": lambda b, n: check(b, n, "exactly-once")})

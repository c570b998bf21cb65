"""kcat: librdkafka's command line."""

import re
import signal
import subprocess

from check import CODECS, KCAT, expect, kcat, main, read_with_kcat, records


def version(*_):
    text = " ".join(kcat("-V"))
    return re.search("Version ([0-9.]+)", text)[1] + ", librdkafka " + re.search("librdkafka ([0-9.]+)", text)[1]


def records_check(bootstrap, name):
    for codec in CODECS:
        sent = records(name)
        topic = f"{name}-{codec}"
        kcat("-P", "-b", bootstrap, "-t", topic, "-z", codec, "-K", "|", "-H", "h=v", "-X", "acks=all",
             text="".join(f"{k.decode()}|{v.decode()}\n" for k, v in sent))
        found = read_with_kcat(bootstrap, topic, "-f", "%k|%s|%h\n", "-X", "check.crcs=true")
        expect(sorted(found) == sorted(f"{k.decode()}|{v.decode()}|h=v" for k, v in sent), f"{codec}: other records")
    return "five codecs, keys, headers"


def groups(bootstrap, name):
    kcat("-P", "-b", bootstrap, "-t", name, text="".join(f"{n}\n" for n in range(20)))
    member = [KCAT, "-b", bootstrap, "-G", f"{name}-group", "-q", "-u", "-X", "auto.offset.reset=earliest", name]
    seen = []
    for batch in (range(20), range(20, 30)):
        if batch.start:
            kcat("-P", "-b", bootstrap, "-t", name, text="".join(f"{n}\n" for n in batch))
        process = subprocess.Popen(member, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = [process.stdout.readline().strip() for _ in batch]
        process.send_signal(signal.SIGTERM)
        lines += process.stdout.read().split()
        expect(process.wait(20) == 0, "the member did not end well")
        seen += lines
    expect(sorted(map(int, seen)) == list(range(30)), f"read {len(seen)} records instead of 30")
    return "one member, which goes on where it had committed"


def admin(bootstrap, name):
    kcat("-P", "-b", bootstrap, "-t", name, text="a\n")
    expect(any(f'topic "{name}"' in line for line in kcat("-L", "-b", bootstrap)), "the topic is not listed")
    offset = kcat("-Q", "-b", bootstrap, "-t", f"{name}:0:-1")
    expect(offset and offset[0].startswith(name), f"offsets by time: {offset}")
    return "lists topics and asks for offsets; it has no more"


def idempotence(bootstrap, name):
    kcat("-P", "-b", bootstrap, "-t", name, "-X", "enable.idempotence=true", text="a\nb\n")
    expect(sorted(read_with_kcat(bootstrap, name)) == ["a", "b"], "other records")


def transactions(bootstrap, name):
    for text in ("a\n", "b\nc\n"):
        kcat("-P", "-b", bootstrap, "-t", name, "-p", "0", "-X", f"transactional.id={name}", text=text)
    committed = read_with_kcat(bootstrap, name, "-X", "isolation.level=read_committed")
    expect(committed == ["a", "b", "c"], f"read {committed}")
    return "commits; it aborts only when it is interrupted"


main({"version": version, "records": records_check, "groups": groups, "admin": admin, "idempotence": idempotence,
      "transactions": transactions})

"""rsyslog with Debian's rsyslog-kafka: a log shipper, which only produces (through librdkafka)."""

import os
import subprocess
import sys
import tempfile

from check import CODECS, kcat, main, read_with_kcat, until

RSYSLOGD = "/usr/sbin/rsyslogd"


def version(*_):
    return subprocess.run([RSYSLOGD, "-v"], capture_output=True, text=True).stdout.split()[1]


def ship(bootstrap, topic, lines, *settings):
    """Lets it follow a file into a topic; ends when everything is there."""
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/input.log", "w") as log:
            log.write("".join(line + "\n" for line in lines))
        parameters = ", ".join(f'"{setting}"' for setting in settings)
        with open(f"{folder}/rsyslog.conf", "w") as configuration:
            configuration.write(f'''
global(workDirectory="{folder}")
module(load="imfile")
module(load="omkafka")
template(name="plain" type="string" string="%msg%")
input(type="imfile" file="{folder}/input.log" tag="shipped" ruleset="ship")
ruleset(name="ship") {{
    action(type="omkafka" broker=["{bootstrap}"] topic="{topic}" template="plain" key="shipped" confParam=[{parameters}])
}}
''')
        process = subprocess.Popen(
            [RSYSLOGD, "-n", "-f", f"{folder}/rsyslog.conf", "-i", f"{folder}/pid"], stderr=subprocess.PIPE, text=True)
        try:
            until(f"{topic} is there", lambda: any(f'"{topic}"' in line for line in kcat("-L", "-b", bootstrap)))
            until(f"{topic} has {len(lines)} records", lambda: sorted(read_with_kcat(bootstrap, topic)) == sorted(lines))
        finally:
            process.terminate()
            print(process.communicate()[1][-500:], file=sys.stderr)


def records_check(bootstrap, name):
    for codec in CODECS:
        lines = [f"{codec}: the same words again and again: {n}" for n in range(100)]
        ship(bootstrap, f"{name}-{codec}", lines, f"compression.codec={codec}", "linger.ms=5")
    return "five codecs; it only produces"


def idempotence(bootstrap, name):
    ship(bootstrap, name, [f"line {n}" for n in range(100)], "enable.idempotence=true")


main({"version": version, "records": records_check, "idempotence": idempotence})

"""Makes what the fuzz targets begin with, from the golden bytes of the tests:  corpus.py FOLDER"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = f"{HERE}/../Tests/KafkaProtocolTests/Golden"


def write(target, number, data):
    folder = f"{sys.argv[1]}/{target}"
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/golden-{number}", "wb") as file:
        file.write(data)


def digits(text):
    return bytes.fromhex("" if text == "-" else text)


with open(f"{HERE}/Sources/Fuzz/Messages.swift") as source:
    names = re.findall(r"pair\((\w+)Request\.self\)", source.read())
with open(f"{GOLDEN}/messages.txt") as file:
    for number, line in enumerate(file):
        name, first, last, _, body, _ = line.split(" ", 5)
        kind = 0 if name.endswith("Request") else 1
        index = 2 * names.index(re.sub("(Request|Response)$", "", name)) + kind
        for version in {int(first), int(last)}:
            write("messages", f"{number}-{version}", bytes([index, version]) + digits(body))
with open(f"{GOLDEN}/batches.txt") as file:
    for number, line in enumerate(file):
        for part in line.split():
            if re.fullmatch(r"(?:[0-9a-f]{2}){61,}", part):
                write("batches", number, digits(part))
                write("recovery", number, digits(part))

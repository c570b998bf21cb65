"""Puts what a run found between the marks of a page."""


def put(path, name, text):
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    with open(path) as page:
        before, rest = page.read().split(begin)
    with open(path, "w") as page:
        page.write(before + begin + text + "\n" + end + rest.split(end)[1])

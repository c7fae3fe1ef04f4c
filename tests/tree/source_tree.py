"""The sources as the tests of this folder see them: which files there are, and what is code in them."""

import os
import pathlib
import re
import tempfile

PRODUCT_FOLDERS = ("runtime", "topology", "actors", "nodes")

_GENERATED = re.compile(r"^(build.*|\.git|\.cache|__pycache__)$")

_NOT_CODE = re.compile(
    r'//(?:\\\n|[^\n])*|/\*.*?\*/'
    r'|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])*'",
    re.DOTALL)

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def root():
    """The checkout under test."""
    return pathlib.Path(os.environ.get("TROUPE_SOURCE") or pathlib.Path(__file__).parents[2])


def files(tree, *suffixes, under=("",)):
    """Paths relative to `tree`, sorted, of its files with one of `suffixes` (all without any)."""
    found = []
    for folder in under:
        for place, folders, names in os.walk(tree / folder):
            folders[:] = [name for name in folders if not _GENERATED.match(name)]
            here = pathlib.Path(place).relative_to(tree)
            found += [here / name for name in names if not suffixes or name.endswith(suffixes)]
    return sorted(found)


def read(tree, path):
    return (tree / path).read_text(encoding="utf-8", errors="replace")


def code(text):
    """C++ `text` with its comments and literals blanked, line numbers kept."""
    return _NOT_CODE.sub(lambda match: " " + "\n" * match.group().count("\n"), text)


def includes(text):
    """Pairs of line number and file name, for each #include of `text`."""
    return [(text.count("\n", 0, match.start()) + 1, match.group(1) or match.group(2))
            for match in _INCLUDE.finditer(text)]


def lines_matching(pattern, text):
    """Pairs of line number and what matched, one for each match of `pattern` in `text`."""
    return [(text.count("\n", 0, match.start()) + 1, match.group().strip())
            for match in pattern.finditer(text)]


class sample:
    """A temporary tree of `files`, a map from path to text, to show that a rule bites."""

    def __init__(self, files):
        self._files = files

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        tree = pathlib.Path(self._folder.name)
        for path, text in self._files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text(text, encoding="utf-8")
        return tree

    def __exit__(self, *failure):
        self._folder.cleanup()

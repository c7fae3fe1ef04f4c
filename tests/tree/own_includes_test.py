"""A header includes what it names: each type of ours that a header uses is declared in it, or in what it includes.

Builds that merge sources do not see when one is missing, and `headers_test.py` takes minutes. Types alone are looked
at, by their names: a name that several headers declare is taken as known where any of these is included.
"""

import re
import unittest

import source_tree

# Where a type stands: before a name, before `&` or `*`, as what a template is given.
_USED = re.compile(r"(?<![\w.>:])(?P<name>[a-z]\w*)"
                   r"(?=(?:[&*]+|\s+const)*\s+[A-Za-z_]\w*\s*[,;)({=]|[&*]+\s*[,)>]|>)")
_DECLARED = (r"(?:struct|class|union|enum(?:\s+class)?|concept)\s+"
             r"(?:\[\[[^\]]*\]\]\s*|alignas\([^)]*\)\s*)?(?P<named>[a-z]\w*)"
             r"|using\s+(?P<alias>[a-z]\w*)\s*=|using\s+(?:\w+::)+(?P<brought>[a-z]\w*)\s*;")
_DIRECTIVE = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_ANYWHERE = re.compile(_DECLARED + r"|(?:typename|class)\s+(?P<given>[a-z]\w*)")
_FOR_OTHERS = re.compile(rf"^(?:{_DECLARED})", re.MULTILINE) # What stands in no class begins its line.


def _declared(pattern, text):
    return {match.group(match.lastgroup) for match in pattern.finditer(text)}


class Headers:
    def __init__(self, tree):
        self._code, self._includes = {}, {}
        for path in source_tree.files(tree, ".hpp"):
            text = source_tree.read(tree, path)
            name = path.as_posix()
            self._code[name] = _DIRECTIVE.sub("", source_tree.code(text))
            self._includes[name] = [told for _, told in source_tree.includes(text)]
        self._ours = {}
        for name, text in self._code.items():
            for each in _declared(_FOR_OTHERS, text):
                self._ours.setdefault(each, set()).add(name)

    def __iter__(self):
        return iter(self._code)

    def _reached(self, name):
        """`name`, and every header of ours that it includes, directly or through others."""
        reached, ahead = set(), [name]
        while ahead:
            each = ahead.pop()
            if each in self._code and each not in reached:
                reached.add(each)
                ahead += self._includes[each]
        return reached

    def missing(self, name):
        """Maps each type that `name` uses without having it to the headers that declare it."""
        reached, own = self._reached(name), _declared(_ANYWHERE, self._code[name])
        return {match.group("name"): sorted(self._ours[match.group("name")])
                for match in _USED.finditer(self._code[name])
                if match.group("name") not in own and not reached & self._ours.get(match.group("name"), reached)}


class OwnIncludes(unittest.TestCase):
    maxDiff = None

    def test_each_header_includes_the_types_it_names(self):
        headers = Headers(source_tree.root())
        found = [f"{name}: {used} is declared in {', '.join(where)}"
                 for name in headers for used, where in headers.missing(name).items()]
        self.assertEqual([], found)

    def test_a_missing_include_is_seen(self):
        with source_tree.sample({
                "a/watch.hpp": "struct watch { int at; };\n",
                "a/bad.hpp": "void look(const watch& at);\n",
                "a/good.hpp": "#include \"a/bad.hpp\"\n#include \"a/watch.hpp\"\nvoid look(const watch& at);\n",
                "a/ahead.hpp": "struct watch;\nvoid look(const watch& at);\n"}) as tree:
            headers = Headers(tree)
            self.assertEqual({"watch": ["a/ahead.hpp", "a/watch.hpp"]}, headers.missing("a/bad.hpp"))
            self.assertEqual([{}, {}], [headers.missing(f"a/{name}.hpp") for name in ("good", "ahead")])


if __name__ == "__main__":
    unittest.main()

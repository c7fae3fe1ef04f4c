"""Classes one can hold in the head: 40 members at most, and every source has a header of its own."""

import re
import unittest

import source_tree

MEMBERS_MAX = 40

_HEAD = re.compile(
    r"\b(?P<kind>class|struct|union)\s+(?:\[\[[^\]]*\]\]\s*)?(?P<name>[A-Za-z_][\w:]*)"
    r"(?:\s*<[^;{}]*>)?(?:\s+final)?(?:\s*:\s*[^;{}()]*)?\s*\{")
_ACCESS = re.compile(r"\b(?:public|private|protected)\s*:(?!:)")
# What a class names without having it: types, aliases, friends, checks.
_NO_MEMBER = re.compile(
    r"^(?:template\s*<[^;{}]*>\s*)?(?:using|typedef|friend|static_assert|class|struct|union|enum)\b")
# A struct that is data and nothing else is a record: its fields are named where they are used.
_FUNCTION = re.compile(r"\)\s*(?:const|noexcept|override|final|&|\s)*\s*(?:=\s*(?:default|delete|0))?\s*$")


def _body(text, start):
    """The text between the brace before `start` and the one that closes it."""
    depth, at = 1, start
    while at < len(text) and depth:
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return text[start:at - 1]


def _declarations(body):
    """The declarations of a class, bodies of functions and initializers left out."""
    flat, depth = [], 0
    for at, letter in enumerate(body):
        if letter == "{":
            if depth == 0:
                flat.append("{")
            depth += 1
        elif letter == "}":
            depth -= 1
            if depth == 0:
                rest = body[at + 1:].lstrip()
                # A body ends its declaration; an initializer goes on to `;` or `,`.
                flat.append("}" if rest[:1] in (";", ",", ")") else "};")
        elif depth == 0:
            flat.append(letter)
    text = _ACCESS.sub(" ", "".join(flat))
    return [each for each in (" ".join(part.split()) for part in text.split(";"))
            if each and each != "{}"]


def members(text):
    """Maps each class of C++ `text` to the number of its functions and data members."""
    text = source_tree.code(text)
    found = {}
    for head in _HEAD.finditer(text):
        before = text[:head.start()].rstrip()
        if before.endswith("enum"):
            continue
        declared = [each for each in _declarations(_body(text, head.end()))
                    if not _NO_MEMBER.match(each)]
        if head.group("kind") == "struct" and not any(_FUNCTION.search(each.split("{")[0])
                                                      for each in declared):
            continue
        found[head.group("name")] = len(declared)
    return found


def large_classes(tree):
    return [f"{path}: {name} has {count} members; which of them are a concept of their own?"
            for path in source_tree.files(tree, ".hpp", ".cpp", under=source_tree.PRODUCT_FOLDERS)
            for name, count in members(source_tree.read(tree, path)).items()
            if count > MEMBERS_MAX]


def _is_entry(text):
    """True for a source whose one function others declare: main(), or a project's registered_types()."""
    entry = r"\bint\s+main\s*\(|\bregistered_types\(\)\s*\{"
    return re.search(entry, source_tree.code(text)) is not None


def without_header(tree):
    """Product sources that lack the header of their own stem; entries of programs need none."""
    return [f"{path}: has no {path.with_suffix('.hpp').name} beside it"
            for path in source_tree.files(tree, ".cpp", under=source_tree.PRODUCT_FOLDERS)
            if not (tree / path.with_suffix(".hpp")).is_file()
            and not _is_entry(source_tree.read(tree, path))]


class Classes(unittest.TestCase):
    maxDiff = None

    def test_no_class_is_too_large(self):
        self.assertEqual("", "\n".join(large_classes(source_tree.root())))

    def test_every_source_has_its_own_header(self):
        self.assertEqual("", "\n".join(without_header(source_tree.root())))

    def test_members_are_counted(self):
        counts = members("""
            class door : public thing<int> {
            public:
              explicit door(int width) : width_{width}, open_{} { hang(); }
              door(const door&) = delete;
              bool is_open() const { return open_; }
              static outcome<door> open(std::string path);
              using handle = int;
              friend bool operator==(const door&, const door&) = default;
              struct lock { int bolts = 0; void turn(); };
              enum class state : int { shut, ajar };
              template <class T> void paint(T colour) { for (;;) { use(colour); } }
            private:
              int width_ = 3;
              bool open_{false};
              std::array<int, 2> hinges_{{1, 2}};
              std::function<void(int)> on_knock_; // A comment; with a semicolon {
            };
            struct record { int a = 0; std::string b{"x"}; std::vector<int> c; };
            enum class colour { red, green };
        """)
        self.assertEqual({"door": 9, "lock": 2}, counts)

    def test_a_large_class_is_caught(self):
        fields = "".join(f"  int m{number}_ = 0;\n" for number in range(MEMBERS_MAX))
        with source_tree.sample({
            "runtime/a.hpp": "class large {\n" + fields + "  void more();\n};\n",
            "runtime/b.hpp": "class fair {\n" + fields + "};\n",
            "tests/c.hpp": "class large {\n" + fields + "  void more();\n};\n",
        }) as tree:
            self.assertEqual(["runtime/a.hpp"],
                             [fault.split(":")[0] for fault in large_classes(tree)])

    def test_a_source_without_header_is_caught(self):
        with source_tree.sample({
            "nodes/broker.cpp": "int main(int, char**) { return 0; }\n",
            "runtime/a.cpp": "// int main()\n",
            "runtime/b.cpp": "", "runtime/b.hpp": "",
            "tests/c_test.cpp": "",
        }) as tree:
            self.assertEqual(["runtime/a.cpp"],
                             [fault.split(":")[0] for fault in without_header(tree)])


if __name__ == "__main__":
    unittest.main()

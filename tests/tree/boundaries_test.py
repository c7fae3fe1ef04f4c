"""Each foreign library is named in its own folders only, so that it can be changed there."""

import re
import unittest

import source_tree

# What gives the library away, what it is called, and where it may be named.
RULES = (
    (re.compile(r"\bzmq::|\bzmq_\w+\s*\(|#\s*include\s*<zmq"), "ZeroMQ", ("runtime/transport/",)),
    (re.compile(r"\bcaf::|#\s*include\s*<caf/|\bCAF_[A-Z_]+\b"), "CAF",
     ("runtime/supervision/", "runtime/worker/")),
    (re.compile(r"\bsqlite3(?:_\w+)?\b|#\s*include\s*<sqlite3"), "SQLite", ("runtime/store/",)),
    (re.compile(r"\bPQ[a-z]\w+\s*\(|#\s*include\s*<(?:postgresql/)?libpq"), "libpq",
     ("runtime/store/",)),
    (re.compile(r"\b(?:beast|asio)::|#\s*include\s*<boost/(?:asio|beast)|#\s*include\s*<openssl/ssl"),
     "Boost.Asio", ("runtime/http/",)),
    (re.compile(r"\bcurl_\w+\s*\(|#\s*include\s*<curl/"), "libcurl",
     ("actors/notifications/", "runtime/observe/span_exporter.cpp", "runtime/strangler/",
      "nodes/commands/contract/")),
)


def faults(tree):
    found = []
    for path in source_tree.files(tree, ".hpp", ".cpp", under=source_tree.PRODUCT_FOLDERS):
        text = source_tree.code(source_tree.read(tree, path))
        for pattern, library, folders in RULES:
            if not path.as_posix().startswith(folders):
                found += [f"{path}:{line}: {library} is named here ({what})"
                          for line, what in source_tree.lines_matching(pattern, text)]
    return found


class Boundaries(unittest.TestCase):
    maxDiff = None

    def test_libraries_stay_in_their_folders(self):
        self.assertEqual("", "\n".join(faults(source_tree.root())))

    def test_a_library_elsewhere_is_caught(self):
        with source_tree.sample({
            "actors/users/users.cpp": "#include <caf/all.hpp>\n",
            "nodes/broker.cpp": "\nzmq::context_t context;\n",
            "runtime/broker/server/server.cpp": "void* s = zmq_socket(context, ZMQ_ROUTER);\n",
            "runtime/observe/log.cpp": "sqlite3* database = nullptr;\n",
            "runtime/store/turn.cpp": "caf::actor writer;\n",
            "runtime/transport/socket.cpp": "#include <sqlite3.h>\n",
            "actors/orders/orders.cpp": "#include <curl/curl.h>\n",
            "nodes/admin.cpp": "boost::asio::io_context loop;\n",
            "topology/plan.cpp": "PGconn* c = PQconnectdb(text);\n",
        }) as tree:
            self.assertEqual(
                [str(path) for path in source_tree.files(tree)],
                sorted({fault.split(":")[0] for fault in faults(tree)}))

    def test_a_library_at_home_or_in_words_is_let_pass(self):
        with source_tree.sample({
            "runtime/transport/socket.cpp": "#include <zmq.hpp>\nzmq::socket_t socket;\n",
            "runtime/store/session.cpp": "sqlite3_open(path, &handle);\n",
            "runtime/worker/group_runtime.cpp": "caf::actor self;\n",
            "topology/store_path.cpp":
                '// As caf::actor does.\nconst auto text = "sqlite3 or zmq::";\n',
        }) as tree:
            self.assertEqual([], faults(tree))


if __name__ == "__main__":
    unittest.main()

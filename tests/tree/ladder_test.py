"""Includes only point down the ladder: each folder may use itself and what stands here beside it."""

import os
import pathlib
import re
import unittest

import source_tree

# From the vocabulary up; a folder that is not here may be included by nobody but its own tests.
_BASE = ("runtime", "runtime/wire")
_MIDDLE = _BASE + ("runtime/transport", "runtime/http", "runtime/store", "runtime/security",
                   "runtime/observe")
_UPPER = _MIDDLE + ("runtime/calls", "runtime/broker", "runtime/supervision", "runtime/saga",
                    "runtime/client")
MAY_INCLUDE = {
    "runtime": (),
    "runtime/wire": ("runtime",),
    "runtime/transport": _BASE,
    "runtime/http": _BASE,
    "runtime/store": _BASE,
    "runtime/security": _BASE + ("runtime/transport",),
    "runtime/observe": _BASE,
    "runtime/calls": _BASE + ("runtime/transport",),
    "runtime/broker": _MIDDLE + ("runtime/calls",),
    "runtime/supervision": _MIDDLE,
    "runtime/saga": _MIDDLE,
    "runtime/client": _BASE + ("runtime/transport", "runtime/calls", "runtime/security",
                               "runtime/observe"),
    "runtime/gateway": _BASE + ("runtime/http", "runtime/transport", "runtime/store", "runtime/security",
                                "runtime/observe", "runtime/client"),
    "runtime/strangler": _BASE + ("runtime/http", "runtime/observe", "runtime/gateway"),
    "runtime/reconcile": _BASE,
    "runtime/contract": _BASE + ("runtime/http", "runtime/gateway"),
    "runtime/actor": _BASE + ("runtime/store", "runtime/saga", "runtime/observe"),
    "runtime/testing": _BASE + ("runtime/store", "runtime/saga", "runtime/actor"),
    "runtime/reconciler": _BASE + ("runtime/store", "runtime/actor", "runtime/reconcile"),
    "runtime/worker": _UPPER + ("runtime/actor",),
    "topology": ("runtime",),
    "actors": _BASE + ("runtime/actor", "runtime/saga", "runtime/reconciler"),
    "nodes": _UPPER + ("runtime/gateway", "runtime/strangler", "runtime/contract", "runtime/reconcile", "runtime/reconciler", "runtime/actor",
                        "runtime/worker", "topology", "actors"),
}
# Tests and examples may use everything; nothing in MAY_INCLUDE names them.

_OPTIONS = re.compile(r"^runtime/\w+/\w+_options\.hpp$")
# What a capability's tables are made of and read with; the rest of the store is the runtime's.
_TABLES = re.compile(r"^runtime/store/(?:database|migrations)\.hpp$")
# What a topic is, what an actor type answers, and which types fit: the topology names those, the rest of
# the protocol is none of its business.
_TOPICS = re.compile(r"^runtime/wire/(?:events|description|compatibility)\.hpp$")
# What rights mean: the topology says and checks who has which.
_RIGHTS = re.compile(r"^runtime/security/grants\.hpp$")
# What a route is, and which proxies a gateway believes: the topology says and checks that.
_ROUTES = re.compile(r"^runtime/gateway/(?:routes|token_bucket|client_address)\.hpp$")
# Reads YAML, as the topology is read; knows nothing of topologies.
_YAML = re.compile(r"^topology/yaml\.hpp$")
_CONTRACT = re.compile(r"^actors/\w+/messages\.hpp$")


def folder_of(path):
    """The rung a file stands on: runtime/x for each folder of runtime/, else the top folder."""
    parts = path.parts[:-1]
    return "/".join(parts[:2] if parts[:1] == ("runtime",) else parts[:1])


def allowed(path, target):
    here, there = folder_of(path), folder_of(target)
    if here == "actors" and there == "actors":
        # One capability knows of another what it says, never how it works. Beside their folders
        # stands what they share, such as money, and what registers them all.
        return (2 in (len(path.parts), len(target.parts)) or path.parts[1] == target.parts[1]
                or _CONTRACT.match(target.as_posix()) is not None)
    if here == "actors" and _TABLES.match(target.as_posix()):
        return True
    if here == "runtime/reconciler" and _YAML.match(target.as_posix()):
        return True
    if here == there or there in MAY_INCLUDE[here]:
        return True
    return here == "topology" and any(
        each.match(target.as_posix()) is not None for each in (_OPTIONS, _TOPICS, _ROUTES, _RIGHTS))


def faults(tree):
    found = []
    for path in source_tree.files(tree, ".hpp", ".cpp", under=source_tree.PRODUCT_FOLDERS):
        if folder_of(path) not in MAY_INCLUDE:
            found.append(f"{path}: {folder_of(path)} has no rung on the ladder; give it one")
            continue
        for line, name in source_tree.includes(source_tree.read(tree, path)):
            first = name.split("/")[0]
            beside = pathlib.Path(os.path.normpath(path.parent / name))
            if (tree / name).is_file() or first in ("tests", "examples"):
                target = pathlib.Path(name)
            elif (tree / beside).is_file():
                target = beside
            else:
                if first in source_tree.PRODUCT_FOLDERS:
                    found.append(f"{path}:{line}: there is no {name}")
                continue
            if not allowed(path, target):
                found.append(f"{path}:{line}: {folder_of(path)} must not include {target}")
    return found


class Ladder(unittest.TestCase):
    maxDiff = None

    def test_every_include_points_down(self):
        self.assertEqual("", "\n".join(faults(source_tree.root())))

    def test_what_points_down_is_let_pass(self):
        with source_tree.sample({
            "runtime/ids.hpp": "",
            "runtime/wire/codec.hpp": '#include "runtime/ids.hpp"\n#include <vector>\n',
            "runtime/broker/broker_options.hpp": '#include "runtime/ids.hpp"\n',
            "topology/plan.cpp":
                '#include "runtime/broker/broker_options.hpp"\n'
                '#include "runtime/wire/events.hpp"\n',
            "runtime/wire/events.hpp": "",
            "actors/users/messages.hpp": "",
            "actors/money.hpp": "",
            "actors/orders/orders.cpp":
                '#include "actors/users/messages.hpp"\n#include "actors/money.hpp"\n',
            "actors/orders/schema.hpp": '#include "runtime/store/migrations.hpp"\n',
            "runtime/store/migrations.hpp": "",
            "nodes/broker.cpp": '#include "topology/plan.hpp"\n',
            "topology/plan.hpp": "",
        }) as tree:
            self.assertEqual([], faults(tree))

    def test_what_points_up_or_sideways_is_caught(self):
        bad = {
            "runtime/ids.cpp": "runtime/wire/codec.hpp",
            "runtime/wire/codec.cpp": "runtime/store/turn.hpp",
            "runtime/store/turn.cpp": "runtime/transport/socket.hpp",
            "runtime/saga/machine.cpp": "runtime/broker/calls/router.hpp",
            "runtime/broker/router.cpp": "runtime/actor/actor.hpp",
            "topology/plan.cpp": "runtime/wire/codec.hpp",
            "actors/orders/orders.cpp": "actors/users/users.hpp",
            "actors/users/users.cpp": "runtime/store/turn/inbox.hpp",
            "nodes/worker.cpp": "tests/fixture.hpp",
            "runtime/observe/log.cpp": "examples/shop/shop.hpp",
            "runtime/actor/actor.cpp": "topology/plan.hpp",
        }
        with source_tree.sample(
            {path: f'#include <string>\n  # include "{name}"\n' for path, name in bad.items()}
            | {name: "" for name in bad.values()}
        ) as tree:
            self.assertEqual(
                sorted(f"{path}:2" for path in bad),
                sorted(fault.split(": ")[0] for fault in faults(tree)))

    def test_a_folder_without_a_rung_is_caught(self):
        with source_tree.sample({"runtime/magic/wand.hpp": ""}) as tree:
            self.assertEqual(1, len(faults(tree)))


if __name__ == "__main__":
    unittest.main()

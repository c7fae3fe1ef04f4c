"""The programs as they are linked: what makes an error in them harder to use. Judged by readelf."""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

from harness import BIN, SOURCE

SKIPPED = 77
PROGRAMS = ("troupe", "troupe-broker", "troupe-worker", "troupe-gateway")
# What a drain and the end after it may take (`worker_options::drain_limit`, and a tenth).
DRAIN_SECONDS_MAX = 11
# `stop_patience` of nodes/commands/up/up.cpp.
STOP_PATIENCE_SECONDS = 12
# Of 100, by `systemd-analyze security`: the less the better.
EXPOSED_MAX = 20


def readelf(option: str, program: str) -> str:
    return subprocess.run(["readelf", "--wide", option, str(BIN / program)], check=True,
                          capture_output=True, text=True).stdout


class Programs(unittest.TestCase):
    def for_each(self):
        for program in PROGRAMS:
            with self.subTest(program):
                yield program

    def test_they_are_loaded_at_another_address_each_time(self):
        for program in self.for_each():
            self.assertIn("DYN (Position-Independent Executable file)", readelf("-h", program))
            self.assertNotIn("TEXTREL", readelf("-d", program))

    def test_the_tables_of_the_loader_cannot_be_written(self):
        for program in self.for_each():
            self.assertIn("GNU_RELRO", readelf("-l", program))
            self.assertRegex(readelf("-d", program), r"FLAGS_1.*\bNOW\b")

    def test_no_memory_can_be_both_written_and_executed(self):
        for program in self.for_each():
            for line in readelf("-l", program).splitlines():
                words = line.split()
                if words and words[0] in ("LOAD", "GNU_STACK"):
                    self.assertNotIn("RWE", line)
                if words and words[0] == "GNU_STACK":
                    self.assertIn(" RW ", line)

    def test_stacks_are_guarded(self):
        for program in self.for_each():
            self.assertIn("__stack_chk_fail", readelf("--dyn-syms", program))

    def test_libraries_come_from_the_system_alone(self):
        for program in self.for_each():
            self.assertNotRegex(readelf("-d", program), r"RPATH|RUNPATH")


class Materials(unittest.TestCase):
    def test_it_says_what_it_is_made_of(self):
        said = subprocess.run([str(BIN / "troupe"), "version", "--sbom"], check=True,
                              capture_output=True, text=True)
        bill = json.loads(said.stdout)
        self.assertEqual(("CycloneDX", "1.5", 1),
                         (bill["bomFormat"], bill["specVersion"], bill["version"]))
        self.assertEqual("troupe", bill["metadata"]["component"]["name"])
        versions = {each["name"]: each["version"] for each in bill["components"]}
        self.assertEqual(len(versions), len(bill["components"]))
        for name, version in versions.items():
            self.assertRegex(version, r"^\d+(\.\d+)+", name)
        for each in bill["components"]:
            self.assertTrue(each["licenses"][0]["expression"])

    def test_no_library_is_missing_in_the_list(self):
        said = subprocess.run([str(BIN / "troupe"), "version", "--sbom"], check=True,
                              capture_output=True, text=True)
        names = {each["name"] for each in json.loads(said.stdout)["components"]}
        known = {"libzmq": "libzmq", "libcaf_core": "caf", "libsqlite3": "sqlite", "libfmt": "fmt",
                 "libyaml-cpp": "yaml-cpp", "libssl": "openssl", "libcrypto": "openssl",
                 "libcurl": "curl", "libpcre2-8": "pcre2", "libpq": "libpq"}
        of_the_compiler = {"libstdc++", "libm", "libgcc_s", "libc", "ld-linux-x86-64",
                           "ld-linux-aarch64", "libasan", "libubsan", "libtsan"}
        for program in PROGRAMS:
            for line in readelf("-d", program).splitlines():
                if "(NEEDED)" not in line:
                    continue
                library = line.split("[")[1].split(".so")[0]
                if library not in of_the_compiler:
                    self.assertIn(known.get(library, library), names, program)


class Units(unittest.TestCase):
    """examples/systemd, judged by systemd itself."""

    def test_systemd_takes_the_units_as_they_are(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            units = []
            for unit in sorted((SOURCE / "examples" / "systemd").glob("*.service")):
                # A template is looked at as one of its instances, with the programs of this build.
                copy = pathlib.Path(folder) / unit.name.replace("@", "@one")
                copy.write_text(unit.read_text().replace("/usr/bin/troupe", f"{BIN.resolve()}/troupe"))
                units.append(str(copy))
            self.assertEqual(3, len(units))
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", *units],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((0, ""), (said.returncode, said.stdout + said.stderr))

    def test_each_unit_closes_what_it_does_not_need(self):
        wanted = {
            "UMask=0077", "LimitCORE=0", "LimitNOFILE=65536", "User=troupe", "ProtectSystem=strict", "ProtectHome=yes",
            "ReadWritePaths=/etc/troupe/data", "PrivateTmp=yes", "PrivateDevices=yes", "NoNewPrivileges=yes",
            "CapabilityBoundingSet=", "LockPersonality=yes", "MemoryDenyWriteExecute=yes", "ProtectClock=yes",
            "ProtectControlGroups=yes", "ProtectHostname=yes", "ProtectKernelLogs=yes", "ProtectKernelModules=yes",
            "ProtectKernelTunables=yes", "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX", "RestrictNamespaces=yes",
            "RestrictRealtime=yes", "RestrictSUIDSGID=yes", "SystemCallArchitectures=native",
            "SystemCallFilter=@system-service"}
        for unit in sorted((SOURCE / "examples" / "systemd").glob("*.service")):
            with self.subTest(unit.name):
                self.assertLessEqual(wanted, set(unit.read_text().splitlines()))
                seconds = int(re.search(r"^TimeoutStopSec=(\d+)s$", unit.read_text(), re.M)[1])
                self.assertGreater(seconds, DRAIN_SECONDS_MAX)

    def test_systemd_finds_little_that_is_open(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            for unit in sorted((SOURCE / "examples" / "systemd").glob("*.service")):
                copy = pathlib.Path(folder) / unit.name.replace("@", "@one")
                copy.write_text(unit.read_text().replace("/usr/bin/troupe", f"{BIN.resolve()}/troupe"))
                said = subprocess.run(["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSED_MAX}",
                                       str(copy)], capture_output=True, text=True, check=False)
                self.assertEqual(0, said.returncode, said.stdout[-2000:] + said.stderr)

    def test_no_unit_is_given_up(self):
        # By default systemd starts a unit no more once it failed five times within 10 s.
        units = [*(SOURCE / "examples" / "systemd").glob("*.service"), SOURCE / "nodes" / "OPERATING.md"]
        self.assertEqual(4, len(units))
        for unit in units:
            lines = {line.strip() for line in unit.read_text().splitlines()}
            self.assertLessEqual({"Restart=always", "StartLimitIntervalSec=0"}, lines, unit)

    def test_none_is_ended_while_it_starts(self):
        # By default after 90 s, which a database that is converted by a new release may take: again and again.
        for unit in (SOURCE / "examples" / "systemd").glob("*.service"):
            self.assertIn("TimeoutStartSec=infinity", unit.read_text().splitlines(), unit)


class Pasted(unittest.TestCase):
    """What OPERATING.md gives to be pasted is taken by the programs that it is for."""

    def block(self, begin: str) -> str:
        """The indented block with that line."""
        text = (SOURCE / "nodes" / "OPERATING.md").read_text()
        blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
        found = [each for each in blocks if f"    {begin}\n" in each]
        self.assertEqual(1, len(found), begin)
        return textwrap.dedent(found[0])

    def test_the_unit_of_a_whole_system(self):
        unit = self.block("[Unit]").replace("/usr/bin/troupe", f"{BIN.resolve()}/troupe")
        # Three kinds of processes are stopped one after the other.
        seconds = int(re.search(r"^TimeoutStopSec=(\d+)s$", unit, re.M)[1])
        self.assertGreater(seconds, 3 * STOP_PATIENCE_SECONDS)
        # What it is told to write is what its user may write.
        self.assertEqual("troupe", re.search(r"--log-dir /var/log/(\w+)$", unit, re.M)[1])
        self.assertIn("LogsDirectory=troupe", unit.splitlines())
        if shutil.which("systemd-analyze") is None:
            self.skipTest("there is no systemd-analyze")
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "troupe.service"
            file.write_text(unit)
            said = subprocess.run(["systemd-analyze", "verify", "--man=no", str(file)],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((0, ""), (said.returncode, said.stdout + said.stderr))

    def test_the_rotation_of_logs(self):
        if (logrotate := shutil.which("logrotate", path="/usr/sbin:/usr/bin")) is None:
            self.skipTest("there is no logrotate")
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log" / "n1.log"
            log.parent.mkdir(0o750)
            log.write_text("a line\n")
            rules = pathlib.Path(folder) / "rules"
            rules.write_text(self.block("/etc/troupe/log/*.log {").replace("/etc/troupe", folder))
            rules.chmod(0o644)
            with log.open("a", encoding="ascii") as program:
                said = subprocess.run([logrotate, "--force", "--state", f"{folder}/state", str(rules)],
                                      capture_output=True, text=True, check=False)
                self.assertEqual((0, ""), (said.returncode, said.stdout + said.stderr))
                program.write("the next\n")
            self.assertEqual("the next\n", log.read_text())
            self.assertEqual(["n1.log", "n1.log.1.gz"], sorted(each.name for each in log.parent.iterdir()))


if __name__ == "__main__":
    if shutil.which("readelf") is None:
        print("skipped: there is no readelf (binutils)")
        sys.exit(SKIPPED)
    unittest.main()

"""Requests to an OpenTelemetry collector, judged by protobuf's own decoder with the public definitions."""

import importlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

DEFINITIONS = pathlib.Path(__file__).resolve().parent.parent / "judges" / "otlp"


def decoder():
    """The class that decodes a request. Raises SkipTest where there is no protobuf."""
    try:
        importlib.import_module("google.protobuf")
    except ImportError:
        raise unittest.SkipTest("there is no protobuf for Python (Debian: python3-protobuf)") from None
    if not shutil.which("protoc"):
        raise unittest.SkipTest("there is no protoc (Debian: protobuf-compiler)")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"-I{DEFINITIONS}", f"--python_out={folder}", "traces.proto"], check=True)
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("traces_pb2").ExportTraceServiceRequest
        finally:
            sys.path.remove(folder)


def judge(test: unittest.TestCase, request_type, body: bytes) -> list:
    """The spans of a request that is as the definitions want it: nothing in it is unknown, nothing missing."""
    request = request_type()
    test.assertEqual(len(body), request.ParseFromString(body))
    known = request_type()
    known.CopyFrom(request)
    known.DiscardUnknownFields()
    test.assertEqual(request.ByteSize(), known.ByteSize(), "there are fields that the definitions do not have")
    spans = []
    for resource_spans in request.resource_spans:
        resource = {each.key: each.value.string_value for each in resource_spans.resource.attributes}
        test.assertTrue(resource["service.name"], resource)
        for scoped in resource_spans.scope_spans:
            test.assertEqual("troupe", scoped.scope.name)
            spans += scoped.spans
    test.assertTrue(spans)
    for each in spans:
        test.assertEqual((16, 8), (len(each.trace_id), len(each.span_id)), each)
        test.assertIn(len(each.parent_span_id), (0, 8), each)
        for number in (each.trace_id, each.span_id, each.parent_span_id or b"1"):
            test.assertNotEqual(b"", number.strip(b"\0"), each)
        test.assertTrue(each.name)
        test.assertIn(each.kind, range(1, 6), each)
        test.assertGreater(each.start_time_unix_nano, 0, each)
        test.assertGreaterEqual(each.end_time_unix_nano, each.start_time_unix_nano, each)
        test.assertIn(each.status.code, (0, 2), each)
        keys = [attribute.key for attribute in each.attributes]
        test.assertEqual(len(set(keys)), len(keys), each)
        for attribute in each.attributes:
            test.assertEqual("string_value", attribute.value.WhichOneof("value"), each)
    return spans

"""Damages by hand to the files of a run: the spool, the client's log, the log of publishes."""

import json
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import ids
from damages import Damage, change_lines
from good_run import GoodRun


def _record(name: str, wanted: Callable[[dict], bool], **changes: Any) -> Callable[[GoodRun], int]:
    """The first record of a log that is wanted says something else."""
    def change(lines: list[str]) -> list[str]:
        at = next(at for at, line in enumerate(lines) if wanted(json.loads(line)))
        lines[at] = json.dumps({**json.loads(lines[at]), **changes}) + "\n"
        return lines
    return change_lines(name, change)


def _mail(change: Callable[[bytes], bytes | None]) -> Callable[[GoodRun], int]:
    """The first file of the spool."""
    def do(run: GoodRun) -> int:
        path = sorted((run.data / "mail").glob("*.eml"))[0]
        data = change(path.read_bytes())
        if data is None:
            path.unlink()
        else:
            path.write_bytes(data)
        return 1
    return do


def _copy_mail(run: GoodRun) -> int:
    path = sorted((run.data / "mail").glob("*.eml"))[0]
    path.with_name("copy.eml").write_bytes(path.read_bytes())
    return 1


def _remove(name: str) -> Callable[[GoodRun], int]:
    def do(run: GoodRun) -> int:
        path = run.folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        return 1
    return do


def _swap_mails(run: GoodRun) -> int:
    one, other = sorted((run.data / "mail").glob("*.eml"))[:2]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return 1


def of_files(key: dict, text: dict) -> Iterator[Damage]:
    event = ids.event(ids.command(key[1], 3), "order.confirmed")
    file = f"spool {ids.text(ids.mail_key(event))}.eml"
    for what, change in (
            ("is gone", lambda data: None),
            ("is empty", lambda data: b""),
            ("goes to another", lambda data: data.replace(b"To: <ann-1@", b"To: <mallory@")),
            ("comes from another", lambda data: data.replace(b"From: <shop@", b"From: <mallory@")),
            ("says another amount", lambda data: data.replace(b"21.00", b"12.00")),
            ("says another currency", lambda data: data.replace(b"EUR", b"JPY")),
            ("says another line", lambda data: data.replace(b"2 x tea", b"3 x tea")),
            ("says another order", lambda data: data.replace(text[1].encode(), text[2].encode())),
            ("has another date", lambda data: data.replace(b"Date: ", b"Date: Yesterday, ")),
            ("has another Message-ID", lambda data: data.replace(b"Message-ID: <0", b"Message-ID: <1")),
            ("is cut off", lambda data: data[:-20])):
        yield Damage(f"a mail that {what}", _mail(change), (file, text[1]))
    yield Damage("a mail twice in the spool", _copy_mail, ("spool copy.eml",))
    yield Damage("the spool gone", _remove("data/mail"), (file, text[1]))
    yield Damage("the provider's log gone", _remove("data/provider.log"), ("provider.log", text[1]))
    yield Damage("two mails swapped", _swap_mails, (file, text[1]))

    def is_answer(record: dict) -> bool:
        return record["call_id"] == text[1] and record["phase"] == "return"
    yield Damage("another total in the client's log", _record(
        "client.log", is_answer, total_cents=1), ("client.log", text[1], "total_cents"))
    yield Damage("another order in the client's log", _record(
        "client.log", is_answer, order_id=text[2]), ("client.log", text[1], "order_id"))
    yield Damage("refused by the client's log", _record(
        "client.log", is_answer, outcome="fail", code="rejected", reason="out_of_stock"),
        ("client.log", text[1]))
    yield Damage("placed by the client's log", _record(
        "client.log", lambda record: record["call_id"] == text[5] and record["phase"] == "return",
        outcome="ok", order_id=text[5], total_cents=1), ("client.log", text[5]))
    yield Damage("another reason in the client's log", _record(
        "client.log", lambda record: record.get("reason") == "unknown_sku", reason="too_expensive"),
        ("client.log", text[3], "reason"))
    yield Damage("another line in the client's log", _record(
        "client.log", lambda record: record["call_id"] == text[1], line=2), (text[1], "ann-2"))
    yield Damage("an order gone from the client's log", change_lines("client.log", lambda lines: [
        line for line in lines if text[1] not in line]), ("order_saga.db sagas", text[1], "no client"))
    yield Damage("a call gone from the client's log", change_lines("client.log", lambda lines: [
        line for line in lines if text[1] not in line or "invoke" not in line]), ("client.log", text[1]))
    yield Damage("the client's log out of order", _record(
        "client.log", lambda record: record["call_id"] == text[2], t_mono_us=1), ("client.log", text[2]))
    yield Damage("a publish acknowledged elsewhere", _record(
        "publish.log", lambda record: True, position=2), ("publish.log", "acknowledged at 2"))

"""Topologies: the example's shop with one broker or two, and with a capability under another name."""

import pathlib
import re

# Capabilities that no other one calls: they may be called something else.
RENAMED = {"notifications": "mailer", "users": "people"}
# Capabilities whose actors the release before does not have.
NEWER = ("reconciliation",)


def shop_of(source: pathlib.Path, ports: dict[str, int], for_before: bool = False) -> str:
    """shop.yaml with these brokers, and without its gateway: nobody here asks by HTTP.

    @param for_before so that the release before can run it, too
    """
    brokers = "\n".join(f'  {name}: {{listen: "tcp://127.0.0.1:{port}"}}'
                        for name, port in ports.items())
    text, count = re.subn(r"(?m)^  b1: .*$", brokers, source.read_text())
    if count != 1:
        raise ValueError(f"{source}: there is no line of b1")
    text = text.partition("\n# A gateway")[0] + "\n"
    for name in NEWER if for_before else ():
        text = re.sub(rf"(?ms)^((  #[^\n]*\n)*)  {name}:\n.*?(?=^  \S|^\S|\Z)", "", text)
    return text


def with_renamed(text: str, old: str) -> str:
    """The capability's actors under another name, with a database and a spool of that name, apart."""
    new = RENAMED[old]
    entry = re.search(rf"(?ms)^  {old}:\n(.*?)(?=^  \S|\Z)", text)
    if entry is None:
        raise ValueError(f"there is no capability {old}")
    body = entry[1].replace("spool: data/mail", f"spool: apart/{new}")
    renamed = f'  {new}:\n    actor: {old}\n    store: "sqlite:apart/{new}.db"\n{body}'
    return text[:entry.start()] + renamed + text[entry.end():]

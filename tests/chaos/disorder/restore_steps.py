"""Steps of the stories of restored copies, and of dead letters."""

import json
import re
import time

from episode import Episode, Skipped
from shop import Fault
from steps import step

# An older copy shows by what the load has published meanwhile: orders, and what the journal has of them.
SHOWS_ITS_AGE = ("orders", "journal")
TROUBLE_SECONDS = 10.0
LETTER_SECONDS = 20.0


def _need(episode: Episode, label: str) -> None:
    if not episode.copies.has(label):
        raise Skipped(f"there is no copy `{label}`")


@step
def copy(episode: Episode, label: str, how: str) -> None:
    episode.copied_after[label] = len(episode.loads.all)
    if how == "live":
        episode.copies.take_live(label)
        return
    episode.shop.stop_all(list(episode.shop.nodes))
    episode.copies.take_cold(label)
    episode.shop.await_ready()


@step
def restore_all(episode: Episode, label: str) -> None:
    """Of all databases at once, and of the card company's book and the mails."""
    _need(episode, label)
    episode.shop.kill_all(list(episode.shop.nodes))
    episode.loads.forget(episode.copied_after[label])
    episode.copies.put_everything(label)


@step
def restore(episode: Episode, database: str, label: str) -> None:
    _need(episode, label)
    owners = episode.copies.owners(database)
    episode.shop.kill_all(owners)
    episode.copies.put(database, label)
    episode.older_journal = episode.older_journal or database == "journal"
    episode.shop.start_all(owners)
    episode.stale = (episode.copied_after[label], len(episode.loads.all))


@step
def restore_under(episode: Episode, database: str, label: str) -> None:
    """Nobody was told to stop before."""
    _need(episode, label)
    for name in episode.copies.owners(database):
        episode.shop.nodes[name].was_robbed = True
    episode.copies.put(database, label)
    episode.older_journal = episode.older_journal or database == "journal"


@step
def put_back(episode: Episode, database: str) -> None:
    _need(episode, f"lost-{database}")
    owners = episode.copies.owners(database)
    episode.shop.kill_all(owners)
    episode.copies.put_back(database)
    episode.shop.start_all(owners)


@step
def expect_trouble(episode: Episode, database: str) -> str:
    """Somebody must say that the copy is older, as often as one looks."""
    episode.make_whole()
    deadline = time.monotonic() + TROUBLE_SECONDS
    troubles = episode.shop.troubles()
    while database in SHOWS_ITS_AGE and not troubles:
        if time.monotonic() > deadline:
            raise Fault(f"{database}.db is an older copy, and nobody says so")
        episode.shop.wait(0.2)
        troubles = episode.shop.troubles()
    return f"{len(troubles)} say so"


@step
def accept(episode: Episode, _: str) -> str:
    """A person says that what was lost stays lost."""
    episode.lost = episode.stale
    return _accept(episode)


@step
def accept_if_troubled(episode: Episode, _: str) -> str:
    """Nothing was lost, but nobody else may be able to tell."""
    episode.make_whole()
    episode.shop.wait(1.0)
    return _accept(episode) if episode.shop.troubles() else "no trouble"


def _accept(episode: Episode) -> str:
    """What the product tells a person to do: stop, look, accept, start again."""
    shop = episode.shop
    if re.search(r"(?m)^\s+restore\b", shop.run("--help").stdout) is None:
        raise Skipped("there is no `troupe restore`")
    episode.make_whole()
    shop.stop_all(list(shop.nodes))
    told = shop.run("restore", str(shop.topology))
    for words in (["--accept"], []):
        said = shop.run("restore", str(shop.topology), *words)
        if said.returncode != 0:
            raise Fault(f"`troupe restore {' '.join(words)}` ended with {said.returncode}\n"
                        f"{said.stdout}{said.stderr}")
    shop.await_ready()
    return told.stdout.strip().replace("\n", "; ")


@step
def poison(episode: Episode) -> str:
    """An event that nobody can handle becomes a dead letter."""
    shop = episode.shop
    said = shop.run("publish", str(shop.topology), "order.confirmed", '{"nonsense": 1}', "--json")
    if said.returncode != 0:
        raise Fault(f"an event was not taken: {said.stdout}{said.stderr}")
    told = json.loads(said.stdout)
    episode.poisons.append((told["id"], told["position"]))
    deadline = time.monotonic() + LETTER_SECONDS
    while told["id"] not in _letters(episode):
        if time.monotonic() > deadline:
            raise Fault(f"event {told['id']} became no dead letter")
        shop.wait(0.1)
    return told["id"]


@step
def expect_letters(episode: Episode) -> str:
    """Whatever was tried with them, nobody could handle them, and nobody dropped them."""
    deadline = time.monotonic() + LETTER_SECONDS
    while missing := {each for each, _ in episode.poisons} - _letters(episode):
        if time.monotonic() > deadline:
            raise Fault(f"dead letters are gone: {', '.join(sorted(missing))}\n{_list_letters(episode)}")
        episode.shop.wait(0.1)
    return f"{len(episode.poisons)} are there"


def _letters(episode: Episode) -> set[str]:
    """The events that are dead letters."""
    return set(re.findall(r'"event_id":\s*"([^"]+)"', _list_letters(episode)))


def _list_letters(episode: Episode) -> str:
    said = episode.shop.run("dead-letters", "list", str(episode.shop.topology), "--json")
    return said.stdout + said.stderr

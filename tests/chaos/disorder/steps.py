"""Steps: what a plan's lines do to a shop, a function each. One that cannot be done by now, since a process
ended before its time, is skipped and says so."""

from collections.abc import Callable

from episode import Episode
from topologies import with_renamed

Step = Callable[..., str | None]
STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    STEPS[function.__name__] = function
    return function


# --- A shop's life ------------------------------------------------------------------------------


@step
def load(episode: Episode, orders: str) -> None:
    episode.loads.begin(int(orders))


@step
def pause(episode: Episode, seconds: str) -> None:
    episode.shop.wait(float(seconds))


@step
def heal(episode: Episode, clocks: str = "with_clocks_set_right") -> str:
    """Everything runs, every order is answered, and everything ends."""
    if clocks == "with_clocks_set_right":
        episode.shop.clocks.set_right()
    episode.make_whole()
    return episode.come_to_rest()


@step
def end(episode: Episode) -> str:
    return episode.check()


# --- Single processes ---------------------------------------------------------------------------


def _if_up(episode: Episode, name: str, do: Callable[[str], None]) -> str | None:
    if not episode.shop.nodes[name].is_up:
        return "skipped: it does not run"
    do(name)
    return None


@step
def kill(episode: Episode, name: str) -> str | None:
    return _if_up(episode, name, episode.shop.kill)


@step
def stop(episode: Episode, name: str) -> str | None:
    return _if_up(episode, name, episode.shop.stop)


@step
def freeze(episode: Episode, name: str) -> str | None:
    return _if_up(episode, name, episode.shop.freeze)


@step
def thaw(episode: Episode, name: str) -> None:
    episode.shop.thaw(name)


@step
def start(episode: Episode, name: str, release: str) -> str | None:
    return start_doomed(episode, name, release, "")


@step
def start_doomed(episode: Episode, name: str, release: str, fault: str) -> str | None:
    """With a fault point at which it dies or stands still."""
    if episode.shop.nodes[name].is_up:
        return "skipped: it runs"
    episode.shop.start(name, release, fault)
    return None


@step
def upgrade(episode: Episode) -> None:
    """The end of a rolling change: one after the other goes on with the new release."""
    shop = episode.shop
    for name, node in shop.nodes.items():
        if node.release != "new":
            shop.stop_all([name])
            shop.start(name)


@step
def clock(episode: Episode, machine: str, seconds: str) -> None:
    episode.shop.clocks.jump(machine, int(seconds))


# --- Topologies and dead letters ----------------------------------------------------------------


@step
def rename(episode: Episode, old: str, order: str) -> None:
    episode.read_anew(with_renamed(episode.shop.text, old), order.split(","))


@step
def rename_back(episode: Episode, _: str, order: str) -> None:
    episode.read_anew(episode.shop.text, order.split(","))


@step
def retry_letters(episode: Episode) -> str:
    episode.letters_ordered = True
    said = episode.shop.run("dead-letters", "retry", str(episode.shop.topology), "--all",
                            "--deadline", "1s")
    return f"exit {said.returncode}"

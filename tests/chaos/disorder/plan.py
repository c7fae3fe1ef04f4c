"""Plans: what will be done to a shop, drawn from a seed alone. A plan is a list of lines, each a step that
`steps` and `restore_steps` carry out, so that it can be printed, cut by hand and run again."""

import dataclasses
import random
from collections.abc import Callable

# The first numbers are those of people and of time servers, the last of a battery that is empty.
JUMPS = (1, -1, 3_600, -3_600, 86_400 * 3, -86_400 * 3, 86_400 * 400)
# An answer is kept for a week, and an id may come from a machine that is ahead. Beyond that the release
# before forgets answers.
WRONG_SECONDS_MAX = 86_400 * 3
# Passes of a fault point: at the first, or late enough for orders to be under way.
PASSES = (1, 3, 10, 40, 150)
# Databases that can be restored alone. The load writes to all of them.
RESTORABLE = ("orders", "inventory", "payments", "order_saga", "notifications", "journal")
ORDERS_PER_LOAD = (20, 80)
# Some are longer than a heartbeat, few than a turn may take.
PAUSES = {0.0: 20, 0.1: 20, 0.3: 20, 0.8: 20, 1.5: 15, 4.0: 4, 14.0: 1}

UP, DOWN, FROZEN = "up", "down", "frozen"


@dataclasses.dataclass
class Model:
    """What is so by now, if all went as planned; from this follows what may be done next."""

    random: random.Random
    # The new one first.
    releases: tuple[str, ...]
    brokers: tuple[str, ...]
    nodes: dict[str, str] = dataclasses.field(default_factory=dict)
    renamed: str = ""
    # By how many seconds the clock of each machine is ahead.
    ahead: dict[str, int] = dataclasses.field(default_factory=dict)
    # Deeds that are left out.
    without: tuple[str, ...] = ()
    # Fault points, and whether a broker passes them.
    points: dict[str, bool] = dataclasses.field(default_factory=dict)

    def in_state(self, *states: str) -> list[str]:
        return [name for name, state in self.nodes.items() if state in states]

    def machines(self) -> list[str]:
        """Workers share their databases, hence a machine and its clock."""
        return [*self.brokers, "workers"]

    def release(self) -> str:
        return self.random.choice(self.releases)


# What may be done in any order: a function each that says the step, or None if it cannot be done now.
Deed = Callable[[Model], str | None]
DEEDS: list[tuple[Deed, int]] = []


def deed(weight: int) -> Callable[[Deed], Deed]:
    def add(function: Deed) -> Deed:
        DEEDS.append((function, weight))
        return function
    return add


def _one_of(model: Model, *states: str) -> str | None:
    names = model.in_state(*states)
    return model.random.choice(names) if names else None


@deed(6)
def kill(model: Model) -> str | None:
    name = _one_of(model, UP, FROZEN)
    if name is None:
        return None
    model.nodes[name] = DOWN
    return f"kill {name}"


@deed(4)
def stop(model: Model) -> str | None:
    name = _one_of(model, UP, FROZEN)
    if name is None:
        return None
    model.nodes[name] = DOWN
    return f"stop {name}"


@deed(14)
def start(model: Model) -> str | None:
    name = _one_of(model, DOWN)
    if name is None:
        return None
    model.nodes[name] = UP
    return f"start {name} {model.release()}"


@deed(6)
def start_doomed(model: Model) -> str | None:
    """With a fault point at which the process dies or stands still."""
    name = _one_of(model, DOWN)
    points = [point for point, is_broker in model.points.items() if is_broker == (name in model.brokers)]
    if name is None or not points:
        return None
    model.nodes[name] = UP
    fault = f"{model.random.choice(points)}={model.random.choice(('kill', 'kill', 'stop'))}"
    return f"start_doomed {name} {model.release()} {fault}@{model.random.choice(PASSES)}"


@deed(4)
def freeze(model: Model) -> str | None:
    name = _one_of(model, UP)
    if name is None:
        return None
    model.nodes[name] = FROZEN
    return f"freeze {name}"


@deed(8)
def thaw(model: Model) -> str | None:
    name = _one_of(model, FROZEN)
    if name is None:
        return None
    model.nodes[name] = UP
    return f"thaw {name}"


@deed(5)
def clock(model: Model) -> str | None:
    machine, seconds = model.random.choice(model.machines()), model.random.choice(JUMPS)
    ahead = model.ahead.get(machine, 0) + seconds
    if len(model.releases) > 1 and abs(ahead) > WRONG_SECONDS_MAX:
        return None
    model.ahead[machine] = ahead
    return f"clock {machine} {seconds}"


@deed(2)
def rename(model: Model) -> str | None:
    """Everybody reads the new file, one after the other and not all at once."""
    if model.renamed:
        old, model.renamed = model.renamed, ""
        step = f"rename_back {old}"
    else:
        model.renamed = model.random.choice(("notifications", "users"))
        step = f"rename {model.renamed}"
    order = list(model.nodes)
    model.random.shuffle(order)
    model.nodes = dict.fromkeys(model.nodes, UP)
    return f"{step} {','.join(order)}"


@deed(1)
def retry_letters(model: Model) -> str | None:
    return "retry_letters"


def disorder(model: Model, count: int) -> list[str]:
    """So many deeds in any order, with pauses in between."""
    steps: list[str] = []
    deeds, weights = zip(*(each for each in DEEDS if each[0].__name__ not in model.without))
    while count:
        step = model.random.choices(deeds, weights)[0](model)
        if step is not None:
            steps += [step, f"pause {model.random.choices(*zip(*PAUSES.items()))[0]}"]
            count -= 1
    return steps


def heal(model: Model) -> list[str]:
    """Everything runs, as the example has it, and has ended what it had to do. A clock may stay wrong if
    ids of other machines are neither too old by it nor too young."""
    model.renamed = ""
    model.nodes = dict.fromkeys(model.nodes, UP)
    bearable = max(map(abs, model.ahead.values()), default=0) <= WRONG_SECONDS_MAX
    if bearable and model.random.random() < 0.5:
        return ["heal with_clocks_as_they_are"]
    model.ahead.clear()
    return ["heal with_clocks_set_right"]


def load(model: Model) -> list[str]:
    return [f"load {model.random.randint(*ORDERS_PER_LOAD)}"]


# --- Restored copies: what lies between the copy, the restore and the end -----------------------------


def _copy(model: Model, label: str) -> list[str]:
    """From here on all are of the new release: the one before does not tell an older copy."""
    model.releases = model.releases[:1]
    return ["upgrade", *heal(model), f"copy {label} {model.random.choice(('cold', 'live'))}"]


def restore_everything(model: Model, deeds: int) -> list[str]:
    """All databases at once, of one moment: what came after it is undone, and nothing else."""
    return [*heal(model), "copy all cold", *load(model), *disorder(model, deeds), "restore_all all",
            *heal(model)]


def restore_the_same(model: Model, deeds: int) -> list[str]:
    """Nothing was lost: only restarts came in between."""
    which = model.random.choice(RESTORABLE)
    how = model.random.choice(("restore", "restore", "restore_under"))
    return [*_copy(model, "same"), *disorder(model, deeds), f"{how} {which} same",
            *disorder(model, deeds // 2), f"accept_if_troubled {which}", *heal(model)]


def restore_older_and_find_the_lost(model: Model, deeds: int) -> list[str]:
    """An older copy, and later the file that was thought lost. Nobody orders in between, so that nothing
    may be missing in the end."""
    which = model.random.choice(RESTORABLE)
    return [*_copy(model, "older"), *load(model), *disorder(model, deeds), *heal(model),
            f"restore {which} older", *disorder(model, deeds), f"expect_trouble {which}",
            *disorder(model, deeds // 2), f"expect_trouble {which}", f"put_back {which}",
            *disorder(model, deeds // 4), f"accept_if_troubled {which}", *heal(model)]


def restore_older_and_accept(model: Model, deeds: int) -> list[str]:
    """An older copy, and the lost file stays lost: the shop goes on until the copy has outgrown it, and
    then a person says so."""
    which = model.random.choice(RESTORABLE)
    return [*_copy(model, "older"), *load(model), *disorder(model, deeds), *heal(model),
            f"restore {which} older", *load(model), *disorder(model, deeds), f"expect_trouble {which}",
            *load(model), *disorder(model, deeds // 2), f"expect_trouble {which}", f"accept {which}",
            *heal(model)]


def restore_nothing(model: Model, deeds: int) -> list[str]:
    return disorder(model, deeds)


def rename_one_with_letters(model: Model, deeds: int) -> list[str]:
    """Dead letters of a capability that is called something else for a time."""
    steps = [*heal(model), "poison"]
    if "rename" not in model.without:
        model.renamed = "notifications"
        steps.append(f"rename notifications {','.join(model.nodes)}")
    steps += ["retry_letters", *disorder(model, deeds), *heal(model), "expect_letters"]
    return steps


STORIES = (restore_nothing, rename_one_with_letters, restore_everything, restore_the_same, restore_older_and_find_the_lost,
           restore_older_and_accept)


def story_of(seed: int, episode: int) -> Callable[[Model, int], list[str]]:
    """Each seed tells all stories before it tells one again."""
    return random.Random(seed).sample(STORIES, len(STORIES))[(episode - 1) % len(STORIES)]


def draw(seed: int, episode: int, releases: tuple[str, ...], deeds: int,
         without: tuple[str, ...] = (), points: dict[str, bool] | None = None) -> list[str]:
    """The plan of one episode, from the first one, 1, on."""
    chance = random.Random(f"{seed}.{episode}")
    brokers = ("b1",) if chance.random() < 0.4 else ("b1", "b2")
    model = Model(chance, releases, brokers, without=without, points=points or {})
    model.nodes = dict.fromkeys([*brokers, "n1", "n2"], UP)
    steps = [f"shop {','.join(f'{name}={model.release()}' for name in model.nodes)}"]
    steps += [*load(model), *disorder(model, deeds), *story_of(seed, episode)(model, deeds), *load(model),
              *disorder(model, deeds // 2), *heal(model), "end"]
    return steps

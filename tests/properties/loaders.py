"""What the runs of random histories share: loading by several loaders at once, and cutting histories into parts."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from random import Random
from typing import Any, Protocol, TypeVar

from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings

LOADERS = 2


class OfAnOrgsDay(Protocol):
    """A delivery, of whichever feed."""

    @property
    def org(self) -> str:
        """Who delivered."""

    @property
    def day(self) -> Any:
        """The day it is for."""


AnyDelivery = TypeVar("AnyDelivery", bound=OfAnOrgsDay)


def load_in_parallel(
    settings: Settings,
    deliveries: Iterable[AnyDelivery],
    *,
    in_order: Callable[[AnyDelivery], str],
    load: Callable[[Connection, Settings, AnyDelivery], bool],
    expected: Callable[[AnyDelivery], bool],
) -> list[str]:
    """Load deliveries by several loaders; those with the same ``in_order`` keep to one loader and so to their order.

    Returns a sentence for each that was loaded though it was not ``expected`` to be, or the other way round.
    """
    queues: list[list[AnyDelivery]] = [[] for _ in range(LOADERS)]
    for delivery in deliveries:
        queues[zlib.crc32(in_order(delivery).encode()) % LOADERS].append(delivery)

    def load_queue(queue: list[AnyDelivery]) -> list[str]:
        surprises = []
        with closing(connect(settings)) as connection:
            for delivery in queue:
                loaded, said = load(connection, settings, delivery), expected(delivery)
                if loaded != said:
                    surprises.append(f"{delivery.org} on {delivery.day}: loaded {loaded}, the model says {said}")
        return surprises

    with ThreadPoolExecutor(LOADERS) as pool:
        return [surprise for surprises in pool.map(load_queue, queues) for surprise in surprises]


def cut_into_parts(histories: Iterable[tuple[str, Sequence[AnyDelivery]]], number: int) -> list[list[AnyDelivery]]:
    """Cut each org's deliveries at random places (by the org's name) into ``number`` parts, and join those of all orgs."""
    parts: list[list[AnyDelivery]] = [[] for _ in range(number)]
    for org, deliveries in histories:
        cuts = sorted(Random(org).choices(range(len(deliveries) + 1), k=number - 1))
        for part, start, end in zip(parts, [0, *cuts], [*cuts, None], strict=True):
            part.extend(deliveries[start:end])
    return parts

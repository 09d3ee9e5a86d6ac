"""Run the fake ODS as a process: ``python -m edreflect_assets.fake_ods --port 0 --latency-ms 20``.

Prints its URL as the first line and serves until it is interrupted or terminated.
"""

from __future__ import annotations

import signal
import threading

import click

from edreflect_assets.fake_ods.rules import MAX_IDENTIFIER
from edreflect_assets.fake_ods.server import FakeOds


@click.command()
@click.option("--port", default=0, show_default=True, help="Loopback port; 0 takes a free one.")
@click.option("--latency-ms", default=0.0, show_default=True, help="How long every request takes at least.")
@click.option("--standard", type=click.Choice(list(MAX_IDENTIFIER)), default="5.0", show_default=True)
def main(port: int, latency_ms: float, standard: str) -> None:
    """Serve a fake Ed-Fi ODS on loopback: test equipment, in memory, with a key and secret that are no secret."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with FakeOds(standard, latency_ms / 1000, port=port) as ods:
        click.echo(ods.url)
        stop.wait()


main()

"""`odradek serve`: one broker in this process, from its configuration to its orderly stop.

    odradek serve [FILE.properties] [--override NAME=VALUE]...

Configuration comes from the file, then KAFKA_* variables, then --override, the later winning. Standard
output gets one line, when connections are accepted; everything else goes to standard error.

Exit codes: 0 stopped in order, 1 cannot start or failed, 2 wrong usage or configuration.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import click
import trio

from odradek import __version__, telemetry
from odradek.broker.broker import RunningBroker, run_broker
from odradek.broker.identity import CannotStart
from odradek.cli.configuration import FAILED, configuration, configured, fail, first
from odradek.cli.open_files import raise_open_files_limit
from odradek.cli.process_age import process_age_ms
from odradek.config.broker_config import BrokerConfig
from odradek.errors import InvalidConfig
from odradek.server.listener import CannotListen

_log = telemetry.get_logger(__name__)

_LOG_AFTER_S = 1
"""How long the first lines wait after the start: loading what writes them would delay the first requests."""


@click.command()
@configured
def serve(file: Path | None, overrides: Sequence[str]) -> None:
    """Run a broker, configured by FILE (Kafka's server.properties), KAFKA_* variables and --override.

    Without any of them: PLAINTEXT://localhost:9092, data in ./odradek-data.
    """
    config = configuration(file, overrides)
    telemetry.output.hold()
    raise_open_files_limit()
    try:
        trio.run(_serve, config, restrict_keyboard_interrupt_to_checkpoints=True)
    except* (CannotStart, CannotListen, InvalidConfig) as errors:
        fail(str(first(errors)), FAILED)
    except* KeyboardInterrupt:
        fail("Interrupted before the broker had started.", FAILED)
    finally:
        telemetry.output.release()


async def _serve(config: BrokerConfig) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_by_signal, signals, nursery.cancel_scope)
            broker = await nursery.start(_run, config)
            _report(broker)
            _log_configuration(config)
            await trio.sleep(_LOG_AFTER_S)
            telemetry.output.release()


async def _run(
    config: BrokerConfig, *, task_status: trio.TaskStatus[RunningBroker] = trio.TASK_STATUS_IGNORED
) -> None:
    await run_broker(config, task_status=task_status)


async def _stop_by_signal(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for number in signals:
        # The next one is not waited for: it ends the process by itself, whatever the loop is doing.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        _log.info("Stopping", signal=signal.Signals(number).name)
        telemetry.output.release()
        scope.cancel()


def _report(broker: RunningBroker) -> None:
    """The one line on standard output: whoever started this process may connect now."""
    addresses = ",".join(endpoint.connection_string for endpoint in broker.endpoints)
    click.echo(
        f"odradek {__version__} ready: {addresses} broker {broker.node_id} cluster {broker.cluster_id} "
        f"in {process_age_ms()} ms"
    )


def _log_configuration(config: BrokerConfig) -> None:
    if config.unknown:
        _log.warn("Unknown configs are kept and have no effect", names=list(config.unknown))
    if config.without_effect:
        _log.info("These configs have no effect", names=list(config.without_effect))

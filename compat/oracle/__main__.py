"""``python -m compat.oracle``: start real Kafka by hand, or run one of its tools.

serve 3.9.2 [--override NAME=VALUE]...     print the bootstrap address, run until Ctrl-C
tool 3.9.2 TopicCommand -- ARGUMENTS       standard input, output and exit status are the tool's
classpath 3.9.2                            for java -cp
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from compat.oracle.java import Jvm, LogTo, java_command
from compat.oracle.kafka import kafka
from compat.oracle.releases import RELEASES, classpath
from compat.oracle.tools import tool_class


def main() -> int:
    arguments = _parser().parse_args()
    match arguments.command:
        case "serve":
            return _serve(arguments)
        case "tool":
            return _tool(arguments)
        case _:
            print(classpath(arguments.release))
            return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m compat.oracle", description="Real Kafka on this machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="start a broker and print its address")
    serve.add_argument("release", choices=RELEASES)
    serve.add_argument("--override", action="append", default=[], metavar="NAME=VALUE")
    serve.add_argument("--log-dir", type=Path, help="keep the log directory here")
    serve.add_argument("--jvm", choices=[Jvm.TEST_BROKER.name, Jvm.KAFKA_BROKER.name], default="TEST_BROKER")
    tool = commands.add_parser("tool", help="run a command-line tool")
    tool.add_argument("release", choices=RELEASES)
    tool.add_argument("name")
    tool.add_argument("args", nargs="*", help="after --")
    path = commands.add_parser("classpath", help="print the classpath of a release")
    path.add_argument("release", choices=RELEASES)
    return parser


def _serve(arguments: argparse.Namespace) -> int:
    overrides = dict(pair.split("=", 1) for pair in arguments.override)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with kafka(
            arguments.release, overrides=overrides, log_dir=arguments.log_dir, jvm=Jvm[arguments.jvm]
        ) as broker:
            print(broker.bootstrap, flush=True)
            print(f"pid {broker.pid}, log directory {broker.log_dir}", file=sys.stderr, flush=True)
            signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


def _tool(arguments: argparse.Namespace) -> int:
    main_class = tool_class(arguments.release, arguments.name)
    command = java_command(arguments.release, main_class, *arguments.args, jvm=Jvm.TOOL, log_to=LogTo.ERRORS)
    os.execvp(command[0], command)


if __name__ == "__main__":
    sys.exit(main())

"""What a person does with Kafka's command-line tools, one job a session, run on real Kafka and on Odradek.

A session names topics and groups after itself and the tools' release, because all sessions share two brokers.
"""

from tests.integration.transcript import Transcript

KEYED = "--property parse.key=true --property key.separator=:"


def topics_are_created(t: Transcript) -> None:
    """Creation, and each way in which it is refused."""
    topic = t.create(f"created-{t.tag}", "--partitions 3 --replication-factor 1")
    t.run(f"TopicCommand --create --topic {topic}")
    t.run(f"TopicCommand --create --topic {topic} --if-not-exists")
    t.create(f"defaults-{t.tag}")
    t.create(f"assigned-{t.tag}", "--replica-assignment 0,0,0")
    t.create(f"configured_{t.tag}", "--config retention.ms=1000 --config cleanup.policy=compact")
    t.run(f"TopicCommand --create --topic configured.{t.tag}")
    for number, bad in enumerate(
        (
            "--partitions 0",
            "--partitions -1",
            "--partitions x",
            "--replication-factor 2",
            "--replication-factor 0",
            "--replica-assignment 0:0",
            "--replica-assignment 0:7",
            "--replica-assignment 0 --partitions 1",
            "--config retention.ms=soon",
            "--config no.such.config=1",
            "--config cleanup.policy=shred",
            "--config segment.bytes=1",
            "--config min.insync.replicas=0",
        )
    ):
        t.run(f"TopicCommand --create --topic bad-{number}-{t.tag} {bad}")
    for name in ("", ".", "..", "a b", "a/b", "ä", "x" * 249, "x" * 250):
        t.run(f"TopicCommand --create --topic '{name}'")
    t.run(f"TopicCommand --delete --topic {'x' * 249}")


def topics_are_described(t: Transcript) -> None:
    """Every filter of list and describe."""
    topic = t.create(f"described-{t.tag}", "--partitions 4 --config max.message.bytes=2000")
    other = t.create(f"described-too-{t.tag}", "--config retention.bytes=7 --config flush.ms=9")
    t.run(f"TopicCommand --list --topic described.*{t.tag}")
    t.run("TopicCommand --list --topic no-such-topic")
    t.run(f"TopicCommand --list --exclude-internal --topic .*described.*{t.tag}")
    t.run(f"TopicCommand --describe --topic {topic}")
    t.run(f"TopicCommand --describe --topic {topic},{other}")
    t.run(f"TopicCommand --describe --topic described.*{t.tag} --topics-with-overrides")
    t.run(f"TopicCommand --describe --topic {topic} --under-replicated-partitions")
    t.run(f"TopicCommand --describe --topic {topic} --unavailable-partitions")
    t.run(f"TopicCommand --describe --topic {topic} --under-min-isr-partitions")
    t.run(f"TopicCommand --describe --topic {topic} --at-min-isr-partitions")
    t.run(f"TopicCommand --describe --topic {topic} --exclude-internal")
    t.run("TopicCommand --describe --topic no-such-topic")
    t.run("TopicCommand --describe --topic no-such-topic --if-exists")
    t.run("TopicCommand --describe --topic-id not-an-id")
    t.run("TopicCommand --describe --topic-id AAAAAAAAAAAAAAAAAAAAAQ")


def topics_grow_and_go(t: Transcript) -> None:
    """More partitions, deletion, and each way in which they are refused."""
    topic = t.create(f"grown-{t.tag}")
    t.run(f"TopicCommand --alter --topic {topic} --partitions 3")
    t.settle(topic, 3)
    t.run(f"TopicCommand --describe --topic {topic}")
    t.run(f"TopicCommand --alter --topic {topic} --partitions 3")
    t.run(f"TopicCommand --alter --topic {topic} --partitions 2")
    t.run(f"TopicCommand --alter --topic {topic} --partitions 0")
    t.run(f"TopicCommand --alter --topic {topic} --partitions 4 --replica-assignment 0,0,0,0")
    t.settle(topic, 4)
    t.run(f"TopicCommand --alter --topic {topic} --partitions 5 --replica-assignment 0,0,0,0,9")
    t.run("TopicCommand --alter --topic no-such-topic --partitions 2")
    t.run("TopicCommand --alter --topic no-such-topic --partitions 2 --if-exists")
    t.run(f"TopicCommand --delete --topic {topic}")
    t.eventually(lambda listed: topic not in listed, f"TopicCommand --list --topic {topic}")
    t.run("TopicCommand --delete --topic no-such-topic")
    t.run("TopicCommand --delete --topic no-such-topic --if-exists")
    for number in range(3):
        t.create(f"gone-{number}-{t.tag}")
    t.run(f"TopicCommand --delete --topic gone-.*-{t.tag}")
    t.eventually(lambda listed: "gone" not in listed, f"TopicCommand --list --topic gone-.*-{t.tag}")


def topic_configs_change(t: Transcript) -> None:
    """ConfigCommand on topics: add, delete, describe, and each refusal."""
    topic = t.create(f"configs-{t.tag}", "--config flush.ms=77")
    describe = f"ConfigCommand --describe --entity-type topics --entity-name {topic}"
    alter = f"ConfigCommand --alter --entity-type topics --entity-name {topic}"
    t.run(describe)
    t.run(f"{describe} --all")
    t.run(f"{alter} --add-config retention.ms=5000,cleanup.policy=[compact,delete]")
    t.run(describe)
    t.run(f"ConfigCommand --describe --topic {topic}")
    t.run(f"{alter} --delete-config retention.ms")
    t.run(describe)
    t.run(f"{alter} --delete-config retention.ms")
    t.run(f"{alter} --add-config segment.ms=9 --delete-config flush.ms")
    t.run(describe)
    for bad in (
        "retention.ms=soon",
        "retention.ms=-5",
        "no.such.config=1",
        "cleanup.policy=shred",
        "compression.type=rar",
        "min.insync.replicas=0",
        "segment.bytes=13",
        "max.message.bytes=-1",
        "message.timestamp.type=Sometimes",
        "preallocate=perhaps",
        "follower.replication.throttled.replicas=x",
    ):
        t.run(f"{alter} --add-config {bad}")
    t.run(f"{alter} --add-config follower.replication.throttled.replicas=*")
    t.run(f"{alter} --add-config-file {t.file('configs', 'retention.bytes=12')}")
    t.run(describe)
    t.run("ConfigCommand --describe --entity-type topics --entity-name no-such-topic")
    t.run("ConfigCommand --alter --entity-type topics --entity-name no-such-topic --add-config flush.ms=1")
    t.run("ConfigCommand --describe --entity-type topics --entity-name 'bad name'")


def broker_configs_change(t: Transcript) -> None:
    """ConfigCommand on one broker, on the default of all, and on its loggers."""
    one, default = "--entity-type brokers --entity-name 0", "--entity-type brokers --entity-default"
    t.run(f"ConfigCommand --describe {one}")
    t.run(f"ConfigCommand --describe {default}")
    t.run(f"ConfigCommand --alter {one} --add-config log.cleaner.threads=2,message.max.bytes=2000000")
    t.eventually("message.max.bytes=2000000", f"ConfigCommand --describe {one}")
    t.run(f"ConfigCommand --alter {default} --add-config log.retention.ms=777777")
    t.eventually("log.retention.ms=777777", f"ConfigCommand --describe {default}")
    topic = t.create(f"inherits-{t.tag}")
    t.run(f"ConfigCommand --describe --topic {topic} --all")
    t.run(f"ConfigCommand --alter {one} --delete-config log.cleaner.threads,message.max.bytes")
    t.eventually(lambda text: "message.max.bytes" not in text, f"ConfigCommand --describe {one}")
    t.run(f"ConfigCommand --alter {default} --delete-config log.retention.ms")
    t.eventually(lambda text: "log.retention.ms" not in text, f"ConfigCommand --describe {default}")
    for bad in ("log.cleaner.threads=many", "broker.id=5", "num.io.threads=0"):
        t.run(f"ConfigCommand --alter {one} --add-config {bad}")
    t.run(f"ConfigCommand --alter {one} --add-config no.such.config=1")
    t.run(f"ConfigCommand --alter {one} --delete-config no.such.config")
    t.run(f"ConfigCommand --alter {default} --add-config listeners=PLAINTEXT://:1")
    t.run("ConfigCommand --describe --entity-type brokers --entity-name x")
    loggers = "--entity-type broker-loggers --entity-name 0"
    t.run(f"ConfigCommand --describe {loggers}", replace={r"^  (?!root=).*\n": ""})
    t.run(f"ConfigCommand --alter {loggers} --add-config root=LOUD")
    t.run(f"ConfigCommand --alter {loggers} --add-config no.such.logger=INFO")
    t.run(f"ConfigCommand --alter {loggers} --add-config root=WARN")
    t.run(f"ConfigCommand --describe {loggers}", replace={r"^  (?!root=).*\n": ""})
    t.run(f"ConfigCommand --alter {loggers} --delete-config root")
    t.run(f"ConfigCommand --alter {loggers} --add-config root=INFO")


def all_broker_configs_are_described(t: Transcript) -> None:
    """Every name, value, sensitivity and synonym that a broker reports of itself."""
    where = {
        r"^  zookeeper\.connect=.*": "  zookeeper.connect=<where>",
        r"^  controller\.quorum\.bootstrap\.servers=.*": "  controller.quorum.bootstrap.servers=<where>",
        r"localhost:0": "<broker>",
        r",CONTROLLER://<broker>": "",
        r"^  odradek\..*\n": "",
    }
    t.run("ConfigCommand --describe --entity-type brokers --entity-name 0 --all", replace=where)


def records_go_in_and_come_out(t: Transcript) -> None:
    """Both consoles with keys, headers, nulls, codecs, partitions, offsets and formats."""
    topic = t.create(f"consoles-{t.tag}")
    produce = f"ConsoleProducer --topic {topic}"
    t.run(produce, stdin="one\ntwo\nthree\n")
    t.run(f"{produce} {KEYED}", stdin="k1:v1\nk2:v2\n:empty key\nk3:\n")
    t.run(f"{produce} {KEYED}", stdin="no separator\n")
    t.run(f"{produce} {KEYED} --property null.marker=NULL", stdin="k1:NULL\nNULL:v\n")
    t.run(f"{produce} {KEYED} --property parse.headers=true", stdin="h1:a,h2:b\tk4:with headers\n")
    for codec in ("gzip", "snappy", "lz4", "zstd"):
        t.run(f"{produce} --compression-codec {codec}", stdin=f"{codec} äöü €\n{codec} again\n")
    for acks in ("0", "1", "all"):
        t.run(f"{produce} --producer-property acks={acks}", stdin=f"acks {acks}\n")
    t.run(f"{produce} --sync", stdin="sync\n")
    t.run(f"{produce} --producer-property enable.idempotence=true", stdin="idempotent\n")
    shown = " ".join(
        f"--property print.{name}=true"
        for name in ("timestamp", "partition", "offset", "epoch", "headers", "key")
    )
    consume = f"ConsoleConsumer --topic {topic} --timeout-ms 20000"
    t.run(f"{consume} --from-beginning --max-messages 22")
    t.run(f"{consume} --from-beginning --max-messages 22 {shown}")
    t.run(f"{consume} --partition 0 --offset 4 --max-messages 2 {shown}")
    t.run(f"{consume} --partition 0 --offset earliest --max-messages 1")
    t.run(f"{consume} --isolation-level read_committed --from-beginning --max-messages 3")
    t.run(f"ConsoleConsumer --topic {topic} --from-beginning --timeout-ms 2000 --group {topic}")
    t.run(f"GetOffsetShell --topic {topic}")


def topics_come_into_being(t: Transcript) -> None:
    """Producing to a topic that is not there creates it; how often the producer must ask is chance."""
    topic = f"automatic-{t.tag}"
    t.run(f"ConsoleProducer --topic {topic}", stdin="first\n", replace={r"^.*a recoverable issue.*\n": ""})
    t.run(f"ConsoleConsumer --topic {topic} --from-beginning --max-messages 1 --timeout-ms 20000")
    t.run(f"TopicCommand --describe --topic {topic}")


def offsets_are_asked_for(t: Transcript) -> None:
    """GetOffsetShell: by time, by special time, by topic and partition patterns."""
    topic, other = t.create(f"offsets-{t.tag}", "--partitions 3"), t.create(f"offsets-too-{t.tag}")
    t.run(f"ConsoleProducer --topic {topic} {KEYED}", stdin="".join(f"{n}:{n}\n" for n in range(20)))
    t.run(f"ConsoleProducer --topic {other}", stdin="x\n")
    t.run(f"GetOffsetShell --topic {topic}")
    for time in ("-1", "latest", "-2", "earliest", "-4", "earliest-local", "-5", "0"):
        t.run(f"GetOffsetShell --topic {topic} --time {time}")
    t.run(f"ConsoleProducer --topic {other}", stdin="later\n")
    t.run(f"GetOffsetShell --topic {other} --time -3")
    t.run(f"GetOffsetShell --topic {other} --time max-timestamp")
    t.run(f"GetOffsetShell --topic {topic} --time 99999999999999")
    t.run(f"GetOffsetShell --topic {topic} --time soon")
    t.run(f"GetOffsetShell --topic offsets.*{t.tag}")
    t.run(f"GetOffsetShell --topic {topic} --partitions 0,2")
    t.run(f"GetOffsetShell --topic {topic} --partitions 7")
    t.run(f"GetOffsetShell --topic-partitions {topic}:1,{other}:0-1,{topic}:2-")
    t.run("GetOffsetShell --topic no-such-topic")
    t.run(f"GetOffsetShell --topic {topic} --exclude-internal-topics")


def records_are_deleted(t: Transcript) -> None:
    """DeleteRecordsCommand moves the log start offset."""
    topic = t.create(f"truncated-{t.tag}")
    t.run(f"ConsoleProducer --topic {topic}", stdin="a\nb\nc\nd\ne\n")

    def delete_before(*offsets: int) -> str:
        entries = ", ".join(f'{{"topic": "{topic}", "partition": 0, "offset": {at}}}' for at in offsets)
        path = t.file("offsets.json", f'{{"partitions": [{entries}], "version": 1}}')
        return f"DeleteRecordsCommand --offset-json-file {path}"

    t.run(delete_before(2))
    t.run(f"GetOffsetShell --topic {topic} --time earliest")
    t.run(f"ConsoleConsumer --topic {topic} --from-beginning --max-messages 3 --timeout-ms 20000")
    t.run(delete_before(1))
    t.run(delete_before(1000))
    t.run(delete_before(-2))
    t.run(delete_before(0, 0))
    t.run(delete_before(-1))
    t.run(f"GetOffsetShell --topic {topic} --time earliest")
    t.run(f"ConsoleConsumer --topic {topic} --from-beginning --timeout-ms 2000")
    t.run(f"DeleteRecordsCommand --offset-json-file {t.file('broken.json', '{')}")


def log_directories_are_described(t: Transcript) -> None:
    """LogDirsCommand: sizes, lags, and topics and brokers that are not there."""
    topic = t.create(f"directories-{t.tag}", "--partitions 2")
    t.run(f"ConsoleProducer --topic {topic} {KEYED}", stdin="".join(f"{n}:{n}\n" for n in range(8)))
    t.run(f"LogDirsCommand --describe --topic-list {topic}")
    t.run(f"LogDirsCommand --describe --topic-list {topic} --broker-list 0")
    t.run("LogDirsCommand --describe --topic-list no-such-topic")
    t.run(f"LogDirsCommand --describe --topic-list {topic} --broker-list 7")


def producers_are_described(t: Transcript) -> None:
    """TransactionsCommand, as far as it asks for the producers of a partition and not for transactions."""
    topic = t.create(f"producers-{t.tag}", "--partitions 2")
    row = {r"^\d+ +\t": "<producer>\t", r"\b\d{13}\b": "<time>", " +\t": "\t"}
    for partition in (0, 1):
        t.run(f"TransactionsCommand describe-producers --topic {topic} --partition {partition}")
    t.run(f"ConsoleProducer --topic {topic} {KEYED}", stdin="".join(f"a:{n}\n" for n in range(8)))
    for partition in (0, 1):
        describe = f"TransactionsCommand describe-producers --topic {topic} --partition {partition}"
        t.run(describe, replace=row)
        t.run(f"{describe} --broker-id 0", replace=row)
    t.run(f"TransactionsCommand describe-producers --topic {topic}")


def groups_are_described(t: Transcript) -> None:
    """ConsumerGroupCommand on a group with a member, then without, then gone."""
    topic, group = t.create(f"members-{t.tag}", "--partitions 2"), f"readers-{t.tag}"
    t.run(f"ConsoleProducer --topic {topic} {KEYED}", stdin="".join(f"{n}:{n}\n" for n in range(8)))
    describe = f"ConsumerGroupCommand --describe --group {group}"
    t.run(describe)
    consumer = t.start(f"ConsoleConsumer --topic {topic} --from-beginning --group {group}")
    consumer.wait_for_output("7\n")
    t.eventually("Stable", f"{describe} --state")
    t.run(f"{describe} --members")
    t.run(f"{describe} --members --verbose")
    t.run(f"ConsumerGroupCommand --delete --group {group}")
    t.run(f"ConsumerGroupCommand --reset-offsets --group {group} --topic {topic} --to-earliest --execute")
    t.run(f"ConsumerGroupCommand --delete-offsets --group {group} --topic {topic}")
    consumer.interrupt()
    consumer.wait()
    t.eventually("Empty", f"{describe} --state")
    t.run(describe)
    t.run(f"{describe} --offsets")
    t.run(f"{describe} --members")
    # The columns are as wide as the names of other sessions' groups.
    of_the_group = {rf"^(?!{group}).*\n": "", " +": " "}
    t.run("ConsumerGroupCommand --list --state Empty", replace=of_the_group)
    t.run("ConsumerGroupCommand --list --state Stable", replace=of_the_group)
    t.run("ConsumerGroupCommand --list --state Nonsense")
    t.run(f"ConsumerGroupCommand --delete-offsets --group {group} --topic {topic}")
    t.run(f"ConsumerGroupCommand --delete-offsets --group {group} --topic no-such-topic")
    t.run(describe)
    t.run(f"ConsumerGroupCommand --delete --group {group}")
    t.run(f"ConsumerGroupCommand --delete --group {group}")
    t.run(describe)
    t.run(f"{describe} --state")
    t.run(f"{describe} --members")


def group_offsets_are_reset(t: Transcript) -> None:
    """Each strategy of --reset-offsets, dry and executed, with export and import."""
    topic, group = t.create(f"reset-{t.tag}"), f"resetters-{t.tag}"
    t.run(f"ConsoleProducer --topic {topic}", stdin="".join(f"{n}\n" for n in range(10)))
    t.run(f"ConsoleConsumer --topic {topic} --from-beginning --max-messages 4 --group {group}")
    reset = f"ConsumerGroupCommand --reset-offsets --group {group}"
    for strategy in (
        "--to-earliest",
        "--to-latest",
        "--to-current",
        "--to-offset 3",
        "--to-offset 99",
        "--to-offset -7",
        "--shift-by 2",
        "--shift-by -1",
        "--shift-by -100",
        "--to-datetime 2020-01-01T00:00:00.000",
        "--to-datetime 2099-01-01T00:00:00.000",
        "--to-datetime yesterday",
        "--by-duration P1D",
        "--by-duration PT0S",
    ):
        t.run(f"{reset} --topic {topic} {strategy} --dry-run")
        t.run(f"{reset} --topic {topic} {strategy} --execute")
    t.run(f"ConsumerGroupCommand --describe --group {group}")
    exported = t.run(f"{reset} --topic {topic} --to-offset 5 --export --dry-run")
    t.run(f"{reset} --from-file {t.file('reset.csv', exported.stdout)} --execute")
    t.run(f"ConsumerGroupCommand --describe --group {group}")
    t.run(f"{reset} --topic {topic}:0 --to-earliest --execute")
    t.run(f"{reset} --all-topics --to-latest --execute")
    t.run(f"{reset} --topic no-such-topic --to-latest --execute")
    fresh = f"--group never-seen-{t.tag}"
    t.run(f"ConsumerGroupCommand --reset-offsets {fresh} --topic {topic} --to-offset 6 --execute")
    t.run(f"ConsumerGroupCommand --describe {fresh}")
    t.run(f"ConsoleConsumer --topic {topic} {fresh} --max-messages 4 --timeout-ms 20000")


def performance_is_measured(t: Transcript) -> None:
    """Both performance tools move what they are told to; their figures are this machine's."""
    topic = t.create(f"performance-{t.tag}", "--partitions 2")
    sent = {r"^.* ms max latency\.\n": "", r"^20000 records sent.* 50th.*": "20000 records sent"}
    for codec, acks in (("none", "1"), ("gzip", "all"), ("lz4", "0"), ("zstd", "all")):
        t.run(
            f"ProducerPerformance --topic {topic} --num-records 20000 --record-size 100 --throughput -1"
            f" --producer-props bootstrap.servers={t.subject.bootstrap} compression.type={codec} acks={acks}",
            replace=sent,
        )
    t.run(f"ConsumerPerformance --topic {topic} --messages 80000", replace={r"-?\d+(\.\d+)?": "<n>"})


def what_is_not_there_is_waited_for(t: Transcript) -> None:
    """Jobs that wait for a broker or partition that never comes, by tools that do not wait for long.

    The broker is given less time than the client has, so that it is the broker that answers. Where only the
    client gives up, the words depend on what it was doing just then; for offsets of a partition that an
    existing topic lacks they are two stories by turns, at Kafka too, so that is not asked here.
    """
    topic, group = t.create(f"waits-{t.tag}"), f"waiters-{t.tag}"
    impatient = t.file("impatient.properties", "default.api.timeout.ms=1500\nrequest.timeout.ms=750\n")
    config = f"--command-config {impatient}"
    gives_up = {
        r"Timed out waiting for a node assignment\. Call: ([a-zA-Z]+)\S*": r"gave \1 up",
        r"Call\(callName=([a-zA-Z]+).*\) timed out at .* attempt\(s\)": r"gave \1 up",
        r"^Caused by: .*DisconnectException: Cancelled .*\n": "",
    }
    for number, assignment in enumerate(("7:8", "7,0", "0:7,7:0")):
        absent = f"absent-{number}-{t.tag}"
        t.run(f"TopicCommand --create --topic {absent} --replica-assignment {assignment} {config}")
        t.run(f"TopicCommand --describe --topic {absent}")
        t.run(f"TopicCommand --describe --topic {absent} --unavailable-partitions")
        t.run(f"GetOffsetShell --topic {absent}")
        t.run(f"TopicCommand --delete --topic {absent}")
    for kind in ("brokers", "broker-loggers"):
        t.run(f"ConfigCommand --describe --entity-type {kind} --entity-name 7 {config}", replace=gives_up)
    places = (("no-such-topic", 0), (topic, 7), (topic, -1))
    entries = ", ".join(f'{{"topic": "{name}", "partition": {at}, "offset": 1}}' for name, at in places)
    path = t.file("absent.json", f'{{"partitions": [{entries}], "version": 1}}')
    t.run(f"DeleteRecordsCommand --offset-json-file {path} {config}", replace=gives_up)
    t.run(f"ConsumerGroupCommand --describe --group {group} --state")  # There is a coordinator from here on.
    reset = f"ConsumerGroupCommand --reset-offsets --group {group} --timeout 1500 {config}"
    t.run(f"{reset} --topic no-such-topic:0 --to-latest --execute")


def internal_topics_are_read(t: Transcript) -> None:
    """What groups leave in __consumer_offsets, read by Kafka's own formatters."""
    topic, group = t.create(f"internal-{t.tag}"), f"group-internal-{t.tag}"
    t.run(f"ConsoleProducer --topic {topic}", stdin="1\n2\n")
    t.run(f"ConsoleConsumer --topic {topic} --from-beginning --max-messages 2 --group {group}")
    t.run(f"ConsumerGroupCommand --reset-offsets --group {group} --topic {topic} --to-earliest --execute")
    only_ours = {
        r"\}\{": "}\n{",
        rf"^(?!.*{group}).*\n": "",
        r'"((?:commit|expire|currentState)Timestamp)":"?\d+"?': r'"\1":<time>',
    }
    read = "ConsoleConsumer --topic __consumer_offsets --from-beginning --timeout-ms 2000"
    formatters = "--formatter org.apache.kafka.tools.consumer"
    t.run(f"{read} {formatters}.OffsetsMessageFormatter", replace=only_ours)
    t.run(f"{read} {formatters}.GroupMetadataMessageFormatter", replace=only_ours)


SESSIONS = (
    topics_are_created,
    topics_are_described,
    topics_grow_and_go,
    topic_configs_change,
    broker_configs_change,
    all_broker_configs_are_described,
    records_go_in_and_come_out,
    topics_come_into_being,
    offsets_are_asked_for,
    records_are_deleted,
    log_directories_are_described,
    producers_are_described,
    groups_are_described,
    group_offsets_are_reset,
    performance_is_measured,
    what_is_not_there_is_waited_for,
)

import pytest

from odradek.config.broker_config import BrokerConfig
from odradek.config.dynamic_broker_config import is_password, usable, validate_dynamic
from odradek.errors import InvalidConfig

THREADS = "Dynamic thread count update validation failed for num.io.threads"


def refusal(properties: dict[str, str], *, per_broker: bool = True, release: str = "3.9") -> str:
    with pytest.raises(InvalidConfig) as refused:
        validate_dynamic(BrokerConfig({"odradek.emulate": release}), properties, per_broker=per_broker)
    return str(refused.value)


def dynamic(message: str) -> str:
    exception = f"org.apache.kafka.common.config.ConfigException: {message}"
    return f"Invalid value {exception} for configuration Invalid dynamic configuration"


@pytest.mark.parametrize(
    "properties",
    [
        {"log.retention.ms": "100"},
        {"num.io.threads": "16"},
        {"my.own": "x"},
        {"listener.name.internal.ssl.keystore.location": "x"},
        {"leader.replication.throttled.rate": "10"},
    ],
)
def test_a_running_broker_takes_dynamic_and_unknown_names(properties):
    validate_dynamic(BrokerConfig(), properties, per_broker=True)


def test_read_only_names_are_refused():
    text = "Cannot update these configs dynamically: "
    assert refusal({"zookeeper.connect": "x"}) == f"{text}Set(zookeeper.connect)"
    assert refusal({"log.dirs": "x"}, release="4.3") == f"{text}[log.dirs]"


def test_security_configs_need_a_listener():
    text = "These security configs can be dynamically updated only per-listener using the listener prefix: "
    assert refusal({"ssl.keystore.location": "x"}) == f"{text}HashSet(ssl.keystore.location)"


def test_some_configs_are_one_brokers_only():
    text = "Cannot update these configs at default cluster level, broker id must be specified: "
    assert refusal({"listeners": "PLAINTEXT://:1"}, per_broker=False) == f"{text}Set(listeners)"
    name = "listener.name.internal.ssl.keystore.location"
    assert refusal({name: "x"}, per_broker=False) == f"{text}Set({name})"
    validate_dynamic(BrokerConfig(), {"listener.name.internal.max.connections": "5"}, per_broker=False)


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (
            {"num.io.threads": "100"},
            f"{THREADS}=100, value should not be greater than double the current value 8",
        ),
        ({"num.io.threads": "3"}, f"{THREADS}=3, value should be at least half the current value 8"),
        (
            {"log.cleaner.threads": "3"},
            "Log cleaner threads cannot be increased to more than double the current value 1",
        ),
        (
            {"log.local.retention.ms": "5", "log.retention.ms": "4"},
            "Invalid value 5 for configuration log.local.retention.ms: "
            "Value must not be more than log.retention.ms property value: 4",
        ),
    ],
)
def test_a_part_that_cannot_change_says_so_as_in_kafka(properties, message):
    assert refusal(properties) == dynamic(message)


def test_wrong_values_are_refused_as_in_a_file():
    assert refusal({"num.io.threads": "0"}) == (
        "Invalid value 0 for configuration num.io.threads: Value must be at least 1"
    )
    assert refusal({"listener.name.internal.max.connections": "x"}).endswith("Not a number of type INT")
    assert refusal({"log.retention.ms": "0"}).startswith("requirement failed: log.retention.ms must be")


def test_a_brokers_own_value_hides_the_clusters_wrong_one():
    config = BrokerConfig().with_dynamic(dynamic_default={}, dynamic_broker={"log.retention.ms": "5"})
    validate_dynamic(config, {"log.retention.ms": "0"}, per_broker=False)
    with pytest.raises(InvalidConfig):
        validate_dynamic(config, {"log.retention.ms": "0"}, per_broker=True)


def test_stored_configs_that_cannot_be_used_are_set_apart():
    stored = {"log.dirs": "x", "num.io.threads": "x", "log.retention.ms": "5", "ssl.keystore.type": "JKS"}
    kept, ignored = usable(BrokerConfig(), stored, per_broker=True)
    assert kept == {"log.retention.ms": "5"}
    assert ignored == ("log.dirs", "num.io.threads", "ssl.keystore.type")
    assert usable(BrokerConfig(), {"listeners": "SSL://:1"}, per_broker=False)[0] == {}


def test_secrets_are_known_for_any_listener():
    assert is_password(BrokerConfig(), "listener.name.internal.ssl.key.password")
    assert not is_password(BrokerConfig(), "listener.name.internal.ssl.keystore.location")
    assert not is_password(BrokerConfig(), "my.own")

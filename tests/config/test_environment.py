from odradek.config.environment import config_name, configs_from_environment


def test_underscores_become_dots_underscores_and_hyphens():
    assert config_name("KAFKA_LOG_RETENTION_MS") == "log.retention.ms"
    assert config_name("KAFKA_A__B___C") == "a_b-c"


def test_only_configs_are_taken():
    environment = {"KAFKA_LISTENERS": "PLAINTEXT://:0", "KAFKA_HEAP_OPTS": "-Xmx1g", "PATH": "/bin"}
    assert configs_from_environment(environment) == {"listeners": "PLAINTEXT://:0"}

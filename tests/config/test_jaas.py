import pytest

from odradek.config.jaas import LoginModule, MalformedJaas, parse_jaas, system_properties

FILE = r"""
// Kafka's own example, and more
KafkaServer {
    org.apache.kafka.common.security.scram.ScramLoginModule required
    username="admin"
    password="admin-secret";
};
/* ZooKeeper
   client */
Client {
    org.apache.zookeeper.server.auth.DigestLoginModule required username=kafka password="a \"b\" \\c;";
    com.sun.security.auth.module.Krb5LoginModule optional;
};
"""


def test_sections_have_modules_with_options():
    sections = parse_jaas(FILE)
    assert sections.keys() == {"KafkaServer", "Client"}
    digest, kerberos = sections["Client"]
    assert digest.options == {"username": "kafka", "password": 'a "b" \\c;'}
    assert kerberos == LoginModule("com.sun.security.auth.module.Krb5LoginModule", "optional", {})


@pytest.mark.parametrize(
    "text", ['Client { a b c="d" ;', "Client a;", 'Client { a b c="d };', "Client { a b c; };"]
)
def test_what_is_unfinished_is_refused(text):
    with pytest.raises(MalformedJaas):
        parse_jaas(text)


def test_system_properties_are_among_the_options_of_a_jvm():
    options = "-Xmx1G -Dname=value -Dempty= -Dflag -Dquoted='a b' -Dname=last"
    assert system_properties(options) == {"name": "last", "empty": "", "flag": "", "quoted": "a b"}

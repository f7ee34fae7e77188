"""DescribeCluster: the brokers that are there, as each tells them."""

from compat.cluster.session import BROKERS, ClusterSession, lives
from compat.judge import scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_cluster_request import DescribeClusterRequest


@scenario(ApiKey.DESCRIBE_CLUSTER)
def every_broker_says_the_same(k: ClusterSession) -> None:
    for broker in BROKERS:
        k.send(broker, DescribeClusterRequest())


@scenario(ApiKey.DESCRIBE_CLUSTER, newest_only=True, restarts=True)
def one_goes_and_comes_back(k: ClusterSession) -> None:
    k.stop(1)
    for broker in (0, 2):
        k.send(broker, DescribeClusterRequest(), until=lives(2))
    k.start(1)
    for broker in BROKERS:
        k.send(broker, DescribeClusterRequest(), until=lives(3))

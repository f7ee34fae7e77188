"""DescribeCluster: brokers, controller, and for whom that is."""

from compat.judge import Session, scenario
from odradek.protocol.api_keys import ApiKey
from odradek.protocol.generated.describe_cluster_request import DescribeClusterRequest


@scenario(ApiKey.DESCRIBE_CLUSTER)
def brokers(k: Session) -> None:
    k.send(DescribeClusterRequest())


@scenario(ApiKey.DESCRIBE_CLUSTER)
def authorized_operations(k: Session) -> None:
    k.send(DescribeClusterRequest(include_cluster_authorized_operations=True))


@scenario(ApiKey.DESCRIBE_CLUSTER, since=1)
def endpoint_types(k: Session) -> None:
    for endpoint_type in (1, 2, 0, 3, -1):
        k.send(DescribeClusterRequest(endpoint_type=endpoint_type))


@scenario(ApiKey.DESCRIBE_CLUSTER, since=2)
def fenced_brokers(k: Session) -> None:
    k.send(DescribeClusterRequest(include_fenced_brokers=True))

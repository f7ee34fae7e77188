from compat.cluster.complaints import complaints

LOG = """\
[2026-11-22 19:15:24,100] INFO started (kafka.server.KafkaServer)
[2026-11-22 19:15:24,101] WARN Connection to node 1 (localhost/127.0.0.1:1) could not be established. (o.a.k)
[2026-11-22 19:15:24,117] ERROR something that nobody expects (kafka.controller.RequestSendThread)
java.lang.IllegalStateException: why
\tat kafka.Kafka.main(Kafka.scala:1)
[2026-11-22 19:15:24,118] ERROR [ReplicaManager broker=0] Error processing append operation on t-0 (k.s.R)
org.apache.kafka.common.errors.OutOfOrderSequenceException: 621 (incoming seq. number), 619 (current)
[2026-11-22 19:15:24,118] WARN Client session timed out, have not heard (org.apache.zookeeper.ClientCnxn)
[2026-11-22 19:15:24,118] INFO [Partition orders-0 broker=0] ERROR is not my level (kafka.cluster.Partition)
"""


def test_a_complaint_is_what_no_cluster_under_test_explains():
    (complaint,) = complaints(LOG)
    assert complaint == "\n".join(LOG.splitlines()[2:5])

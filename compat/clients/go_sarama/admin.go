package main

import (
	"errors"
	"slices"

	"github.com/IBM/sarama"
	"odradek.test/feats"
)

func pointer(value string) *string { return &value }

func createTopic(r run) {
	a := admin(r)
	defer a.Close()
	name := r.Name("topic")
	detail := &sarama.TopicDetail{NumPartitions: 4, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": pointer("3600000")}}
	feats.OK(a.CreateTopic(name, detail, false))
	feats.Await(r, func() bool { return feats.Must(a.ListTopics())[name].NumPartitions == 4 })
	feats.Equal("3600000", *feats.Must(a.ListTopics())[name].ConfigEntries["retention.ms"])
	err := a.CreateTopic(name, detail, false)
	feats.Check(errors.Is(err, sarama.ErrTopicAlreadyExists), "again: %v", err)
}

func describeTopic(r run) {
	t := topic(r, "topic", 3, map[string]*string{"segment.bytes": pointer("1048576")})
	a := admin(r)
	defer a.Close()
	found := feats.Must(a.DescribeTopics([]string{t}))[0]
	feats.Check(found.Uuid != sarama.Uuid{}, "no topic id")
	for _, each := range found.Partitions {
		feats.Equal([]int32{each.Leader}, each.Isr)
	}
	feats.Equal("1048576", entry(a, t, "segment.bytes"))
	brokers, _, err := a.DescribeCluster()
	feats.OK(err)
	feats.Equal(1, len(brokers))
}

func entry(a sarama.ClusterAdmin, topic, name string) string {
	entries := feats.Must(a.DescribeConfig(sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{name}}))
	feats.Equal(1, len(entries))
	return entries[0].Value
}

func alterConfigs(r run) {
	t := topic(r, "topic", 1, nil)
	a := admin(r)
	defer a.Close()
	alter := func(operation sarama.IncrementalAlterConfigsOperation, name, value string) error {
		change := map[string]sarama.IncrementalAlterConfigsEntry{name: {Operation: operation, Value: &value}}
		return a.IncrementalAlterConfig(sarama.TopicResource, t, change, false)
	}
	feats.OK(alter(sarama.IncrementalAlterConfigsOperationSet, "segment.ms", "1234567"))
	feats.OK(alter(sarama.IncrementalAlterConfigsOperationAppend, "cleanup.policy", "compact"))
	feats.Await(r, func() bool { return entry(a, t, "segment.ms") == "1234567" })
	feats.Await(r, func() bool { return entry(a, t, "cleanup.policy") == "delete,compact" })
	feats.OK(alter(sarama.IncrementalAlterConfigsOperationDelete, "segment.ms", ""))
	feats.Await(r, func() bool { return entry(a, t, "segment.ms") == "604800000" })
	err := alter(sarama.IncrementalAlterConfigsOperationSet, "segment.ms", "soon")
	feats.Check(errors.Is(err, sarama.ErrInvalidConfig), "segment.ms=soon: %v", err)
}

func addPartitions(r run) {
	t := topic(r, "topic", 2, nil)
	a := admin(r)
	defer a.Close()
	feats.OK(a.CreatePartitions(t, 5, nil, false))
	feats.Await(r, func() bool { return partitionCount(a, t) == 5 })
	err := a.CreatePartitions(t, 3, nil, false)
	feats.Check(errors.Is(err, sarama.ErrInvalidPartitions), "fewer: %v", err)
	message := &sarama.ProducerMessage{Topic: t, Partition: 4, Value: sarama.StringEncoder("v")}
	feats.OK(send(r, []*sarama.ProducerMessage{message}, manual))
	feats.Equal(int64(0), message.Offset)
}

func deleteRecords(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 20)
	a := admin(r)
	defer a.Close()
	feats.OK(a.DeleteRecords(t, map[int32]int64{0: 12}))
	record := readFrom(r, t, 0, sarama.OffsetOldest, 8)[0]
	feats.Equal(int64(12), record.Offset)
	feats.Equal(text(12), string(record.Value))
}

func deleteTopic(r run) {
	t := topic(r, "topic", 2, nil)
	produce(r, t, 5)
	a := admin(r)
	defer a.Close()
	feats.OK(a.DeleteTopic(t))
	feats.Await(r, func() bool { return partitionCount(a, t) == 0 })
	err := a.DeleteTopic(t)
	feats.Check(errors.Is(err, sarama.ErrUnknownTopicOrPartition), "again: %v", err)
}

func listGroups(r run) {
	m := join(r, topic(r, "topic", 1, nil))
	awaitShares(r, 1, m)
	a := admin(r)
	defer a.Close()
	feats.Equal("consumer", feats.Must(a.ListConsumerGroups())[r.Name("group")])
	m.leave()
}

func describeGroup(r run) {
	t := topic(r, "topic", 3, nil)
	m := join(r, t, func(c *sarama.Config) { c.ClientID = "it-is-me" })
	awaitShares(r, 3, m)
	a := admin(r)
	defer a.Close()
	group := described(r, a)
	feats.Equal("Stable", group.State)
	feats.Equal(1, len(group.Members))
	for _, each := range group.Members {
		feats.Equal("it-is-me", each.ClientId)
		feats.Equal("/127.0.0.1", each.ClientHost)
		partitions := feats.Must(each.GetMemberAssignment()).Topics[t]
		slices.Sort(partitions)
		feats.Equal([]int32{0, 1, 2}, partitions)
	}
	m.leave()
}

func resetOffsets(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 20)
	a := admin(r)
	defer a.Close()
	offsets := map[string]map[int32]sarama.OffsetAndMetadata{t: {0: {Offset: 15, LeaderEpoch: -1}}}
	feats.Must(a.AlterConsumerGroupOffsets(r.Name("group"), offsets, nil))
	feats.Equal(int64(15), committedOffset(r, t))
	m := join(r, t)
	feats.Await(r, func() bool { return m.count() == 5 })
	m.leave()
	feats.OK(a.DeleteConsumerGroupOffset(r.Name("group"), t, 0))
	feats.Equal(int64(-1), committedOffset(r, t))
}

func deleteGroup(r run) {
	m := join(r, topic(r, "topic", 1, nil))
	awaitShares(r, 1, m)
	a := admin(r)
	defer a.Close()
	err := a.DeleteConsumerGroup(r.Name("group"))
	feats.Check(errors.Is(err, sarama.ErrNonEmptyGroup), "with a member: %v", err)
	m.leave()
	feats.OK(a.DeleteConsumerGroup(r.Name("group")))
	err = a.DeleteConsumerGroup(r.Name("group"))
	feats.Check(errors.Is(err, sarama.ErrGroupIDNotFound), "again: %v", err)
}

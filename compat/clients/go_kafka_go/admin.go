package main

import (
	"errors"
	"slices"

	"github.com/segmentio/kafka-go"
	"odradek.test/feats"
)

func createTopic(r run) {
	t := topic(r, 4, kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "3600000"})
	feats.Equal("3600000", config(r, t, "retention.ms"))
	err := create(r, t, 4)
	feats.Check(errors.Is(err, kafka.TopicAlreadyExists), "again: %v", err)
}

func config(r run, topic, name string) string {
	resource := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name}}
	found := feats.Must(client(r).DescribeConfigs(r, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{resource}}))
	feats.OK(found.Resources[0].Error)
	feats.Equal(1, len(found.Resources[0].ConfigEntries))
	return found.Resources[0].ConfigEntries[0].ConfigValue
}

func describeTopic(r run) {
	t := topic(r, 3, kafka.ConfigEntry{ConfigName: "segment.bytes", ConfigValue: "1048576"})
	for _, each := range partitionsOf(r, t) {
		feats.Equal([]kafka.Broker{each.Leader}, each.Isr)
	}
	feats.Equal("1048576", config(r, t, "segment.bytes"))
}

func alterConfigs(r run) {
	t := topic(r, 1)
	alter := func(operation kafka.ConfigOperation, name, value string) error {
		change := kafka.IncrementalAlterConfigsRequestConfig{Name: name, Value: value, ConfigOperation: operation}
		resource := kafka.IncrementalAlterConfigsRequestResource{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: t, Configs: []kafka.IncrementalAlterConfigsRequestConfig{change},
		}
		request := &kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{resource}}
		return feats.Must(client(r).IncrementalAlterConfigs(r, request)).Resources[0].Error
	}
	feats.OK(alter(kafka.ConfigOperationSet, "segment.ms", "1234567"))
	feats.OK(alter(kafka.ConfigOperationAppend, "cleanup.policy", "compact"))
	feats.Await(r, func() bool { return config(r, t, "segment.ms") == "1234567" })
	feats.Await(r, func() bool { return config(r, t, "cleanup.policy") == "delete,compact" })
	feats.OK(alter(kafka.ConfigOperationDelete, "segment.ms", ""))
	feats.Await(r, func() bool { return config(r, t, "segment.ms") == "604800000" })
	err := alter(kafka.ConfigOperationSet, "segment.ms", "soon")
	feats.Check(errors.Is(err, kafka.InvalidConfiguration), "segment.ms=soon: %v", err)
}

func addPartitions(r run) {
	t := topic(r, 2)
	count := func(total int32) error {
		request := &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: t, Count: total}}}
		return feats.Must(client(r).CreatePartitions(r, request)).Errors[t]
	}
	feats.OK(count(5))
	feats.Await(r, func() bool { return len(partitionsOf(r, t)) == 5 })
	err := count(3)
	feats.Check(errors.Is(err, kafka.InvalidPartitionNumber), "fewer: %v", err)
	produce(r, t, 5, 5)
	feats.Equal(text(4), string(readFrom(r, t, 4, 0, 1)[0].Value))
}

func deleteTopic(r run) {
	t := topic(r, 2)
	remove := func() error {
		return feats.Must(client(r).DeleteTopics(r, &kafka.DeleteTopicsRequest{Topics: []string{t}})).Errors[t]
	}
	feats.OK(remove())
	feats.Await(r, func() bool { return len(partitionsOf(r, t)) == 0 })
	err := remove()
	feats.Check(errors.Is(err, kafka.UnknownTopicOrPartition), "again: %v", err)
}

func listGroups(r run) {
	m := join(r, topic(r, 1))
	awaitShares(r, 1, m)
	groups := feats.Must(client(r).ListGroups(r, &kafka.ListGroupsRequest{})).Groups
	listed := func(each kafka.ListGroupsResponseGroup) bool { return each.GroupID == r.Name("group") }
	feats.Check(slices.ContainsFunc(groups, listed), "it is not in the list")
	feats.OK(m.Close())
}

func describeGroup(r run) {
	t := topic(r, 3)
	m := join(r, t)
	awaitShares(r, 3, m)
	group := feats.Must(client(r).DescribeGroups(r, &kafka.DescribeGroupsRequest{GroupIDs: []string{r.Name("group")}})).Groups[0]
	feats.Equal("Stable", group.GroupState)
	feats.Equal(1, len(group.Members))
	feats.Equal("it is me", group.Members[0].ClientID)
	feats.Equal("/127.0.0.1", group.Members[0].ClientHost)
	partitions := group.Members[0].MemberAssignments.Topics[0].Partitions
	slices.Sort(partitions)
	feats.Equal([]int{0, 1, 2}, partitions)
	feats.OK(m.Close())
}

func resetOffsets(r run) {
	t := topic(r, 1)
	produce(r, t, 20, 1)
	request := &kafka.OffsetCommitRequest{
		GroupID: r.Name("group"), GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{t: {{Partition: 0, Offset: 15}}},
	}
	feats.OK(feats.Must(client(r).OffsetCommit(r, request)).Topics[t][0].Error)
	feats.Equal(int64(15), committedOffset(r, t))
	m := join(r, t)
	feats.Await(r, func() bool { return m.count() == 5 })
	feats.OK(m.Close())
	offsets := &kafka.OffsetDeleteRequest{GroupID: r.Name("group"), Topics: map[string][]int{t: {0}}}
	feats.OK(feats.Must(client(r).OffsetDelete(r, offsets)).Topics[t][0].Error)
	feats.Equal(int64(-1), committedOffset(r, t))
}

func deleteGroup(r run) {
	m := join(r, topic(r, 1))
	awaitShares(r, 1, m)
	remove := func() error {
		request := &kafka.DeleteGroupsRequest{GroupIDs: []string{r.Name("group")}}
		return feats.Must(client(r).DeleteGroups(r, request)).Errors[r.Name("group")]
	}
	err := remove()
	feats.Check(errors.Is(err, kafka.NonEmptyGroup), "with a member: %v", err)
	feats.OK(m.Close())
	feats.OK(remove())
	err = remove()
	feats.Check(errors.Is(err, kafka.GroupIdNotFound), "again: %v", err)
}

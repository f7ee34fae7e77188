package main

import (
	"errors"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"odradek.test/feats"
)

func createTopic(r run) {
	a := admin(r)
	defer a.Close()
	name := r.Name("topic")
	created := feats.Must(a.CreateTopic(r, 4, 1, map[string]*string{"retention.ms": kadm.StringPtr("3600000")}, name))
	feats.Equal(int32(4), created.NumPartitions)
	feats.Equal("3600000", *created.Configs["retention.ms"].Value)
	feats.Await(r, func() bool { return feats.Must(a.ListTopics(r)).Has(name) })
	again, err := a.CreateTopic(r, 4, 1, nil, name)
	feats.Check(errors.Is(err, kerr.TopicAlreadyExists), "again: %v %v", again, err)
}

func describeTopic(r run) {
	t := topic(r, "topic", 3, map[string]*string{"segment.bytes": kadm.StringPtr("1048576")})
	a := admin(r)
	defer a.Close()
	details := feats.Must(a.ListTopics(r, t))[t]
	feats.Equal([]int32{0, 1, 2}, details.Partitions.Numbers())
	for _, each := range details.Partitions {
		feats.Equal([]int32{each.Leader}, each.ISR)
	}
	feats.Check(details.ID != kadm.TopicID{}, "no topic id")
	feats.Equal("1048576", config(r, a, t, "segment.bytes"))
	feats.Equal(1, len(feats.Must(a.ListBrokers(r))))
}

func config(r run, a *kadm.Client, topic, name string) string {
	described := feats.Must(feats.Must(a.DescribeTopicConfigs(r, topic)).On(topic, nil))
	at := slices.IndexFunc(described.Configs, func(each kadm.Config) bool { return each.Key == name })
	return described.Configs[at].MaybeValue()
}

func alterConfigs(r run) {
	t := topic(r, "topic", 1, nil)
	a := admin(r)
	defer a.Close()
	alter := func(op kadm.IncrementalOp, name, value string) error {
		change := []kadm.AlterConfig{{Op: op, Name: name, Value: &value}}
		return feats.Must(feats.Must(a.AlterTopicConfigs(r, change, t)).On(t, nil)).Err
	}
	feats.OK(alter(kadm.SetConfig, "segment.ms", "1234567"))
	feats.OK(alter(kadm.AppendConfig, "cleanup.policy", "compact"))
	feats.Await(r, func() bool { return config(r, a, t, "segment.ms") == "1234567" })
	feats.Await(r, func() bool { return config(r, a, t, "cleanup.policy") == "delete,compact" })
	feats.OK(alter(kadm.DeleteConfig, "segment.ms", ""))
	feats.Await(r, func() bool { return config(r, a, t, "segment.ms") == "604800000" })
	err := alter(kadm.SetConfig, "segment.ms", "soon")
	feats.Check(errors.Is(err, kerr.InvalidConfig), "segment.ms=soon: %v", err)
}

func addPartitions(r run) {
	t := topic(r, "topic", 2, nil)
	a := admin(r)
	defer a.Close()
	feats.OK(feats.Must(a.UpdatePartitions(r, 5, t)).Error())
	feats.Await(r, func() bool { return len(feats.Must(a.ListTopics(r, t))[t].Partitions) == 5 })
	err := feats.Must(a.UpdatePartitions(r, 3, t)).Error()
	feats.Check(errors.Is(err, kerr.InvalidPartitions), "fewer partitions: %v", err)
	p := client(r, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer p.Close()
	feats.OK(p.ProduceSync(r, &kgo.Record{Topic: t, Partition: 4, Value: []byte("v")}).FirstErr())
}

func deleteRecords(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 20)
	a := admin(r)
	defer a.Close()
	offsets := kadm.Offsets{}
	offsets.AddOffset(t, 0, 12, -1)
	deleted, _ := feats.Must(a.DeleteRecords(r, offsets)).Lookup(t, 0)
	feats.OK(deleted.Err)
	feats.Equal(int64(12), deleted.LowWatermark)
	start, _ := feats.Must(a.ListStartOffsets(r, t)).Lookup(t, 0)
	feats.Equal(int64(12), start.Offset)
	feats.Equal("value 12", string(readAll(r, t, 8)[0].Value))
}

func deleteTopic(r run) {
	t := topic(r, "topic", 2, nil)
	produce(r, t, 5)
	a := admin(r)
	defer a.Close()
	feats.Must(a.DeleteTopic(r, t))
	feats.Await(r, func() bool { return errors.Is(feats.Must(a.ListTopics(r, t))[t].Err, kerr.UnknownTopicOrPartition) })
	_, err := a.DeleteTopic(r, t)
	feats.Check(errors.Is(err, kerr.UnknownTopicOrPartition), "again: %v", err)
}

func listGroups(r run) {
	m := join(r, topic(r, "topic", 1, nil))
	defer m.Close()
	awaitShares(r, 1, m)
	a := admin(r)
	defer a.Close()
	feats.Equal("Stable", feats.Must(a.ListGroups(r))[r.Name("group")].State)
	_, listed := feats.Must(a.ListGroups(r, "Empty"))[r.Name("group")]
	feats.Check(!listed, "a stable group is among the empty ones")
}

func describeGroup(r run) {
	t := topic(r, "topic", 3, nil)
	m := join(r, t, kgo.ClientID("it is me"))
	defer m.Close()
	awaitShares(r, 3, m)
	a := admin(r)
	defer a.Close()
	group := feats.Must(a.DescribeGroups(r, r.Name("group")))[r.Name("group")]
	feats.Equal("Stable", group.State)
	feats.Equal("cooperative-sticky", group.Protocol)
	feats.Equal(1, len(group.Members))
	feats.Equal("it is me", group.Members[0].ClientID)
	feats.Equal("/127.0.0.1", group.Members[0].ClientHost)
	feats.Equal([]int32{0, 1, 2}, group.AssignedPartitions().Sorted()[0].Partitions)
}

func resetOffsets(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 20)
	a := admin(r)
	defer a.Close()
	group := r.Name("group")
	for _, offset := range []int64{20, 15} {
		offsets := kadm.Offsets{}
		offsets.AddOffset(t, 0, offset, -1)
		feats.OK(a.CommitAllOffsets(r, group, offsets))
		found, _ := committedOffset(r, group, t)
		feats.Equal(offset, found)
	}
	c := client(r, kgo.ConsumerGroup(group), kgo.ConsumeTopics(t), kgo.DisableAutoCommit())
	feats.Equal("value 15", string(read(r, c, 5)[0].Value))
	c.Close()
	topics := kadm.TopicsSet{}
	topics.Add(t, 0)
	deleted, _ := feats.Must(a.DeleteOffsets(r, group, topics)).Lookup(t, 0)
	feats.OK(deleted)
	_, known := committedOffset(r, group, t)
	feats.Check(!known, "the offset is still there")
}

func deleteGroup(r run) {
	m := join(r, topic(r, "topic", 1, nil))
	awaitShares(r, 1, m)
	a := admin(r)
	defer a.Close()
	_, err := a.DeleteGroup(r, r.Name("group"))
	feats.Check(errors.Is(err, kerr.NonEmptyGroup), "with a member: %v", err)
	m.Close()
	feats.OK(feats.Must(a.DeleteGroup(r, r.Name("group"))).Err)
	_, err = a.DeleteGroup(r, r.Name("group"))
	feats.Check(errors.Is(err, kerr.GroupIDNotFound), "again: %v", err)
}

// franz-go and its admin client kadm.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"odradek.test/feats"
)

type run = *feats.Run

func main() {
	all := map[string]feats.Feat{
		"produce-acks-0": func(r run) {
			produceAndConsume(r, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
		},
		"produce-acks-1": func(r run) {
			produceAndConsume(r, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
		},
		"produce-acks-all": func(r run) {
			produceAndConsume(r, kgo.RequiredAcks(kgo.AllISRAcks()), kgo.DisableIdempotentWrite())
		},
		"produce-gzip":             func(r run) { produceAndConsume(r, kgo.ProducerBatchCompression(kgo.GzipCompression())) },
		"produce-snappy":           func(r run) { produceAndConsume(r, kgo.ProducerBatchCompression(kgo.SnappyCompression())) },
		"produce-lz4":              func(r run) { produceAndConsume(r, kgo.ProducerBatchCompression(kgo.Lz4Compression())) },
		"produce-zstd":             func(r run) { produceAndConsume(r, kgo.ProducerBatchCompression(kgo.ZstdCompression())) },
		"produce-keys":             keys,
		"produce-headers":          headers,
		"produce-timestamps":       timestamps,
		"produce-empty-and-null":   emptyAndNull,
		"produce-1mb":              oneMegabyte,
		"produce-idempotent":       func(r run) { produceAndConsume(r, kgo.MaxBufferedRecords(7), kgo.ProducerLinger(0)) },
		"consume-from-beginning":   fromBeginning,
		"consume-from-offset":      fromOffset,
		"consume-from-time":        fromTime,
		"consume-pause":            pause,
		"consume-seek":             seek,
		"group-join":               func(r run) { groupOfThree(r, stays) },
		"group-leave":              func(r run) { groupOfThree(r, leaves) },
		"group-crash":              func(r run) { groupOfThree(r, crashes) },
		"group-static":             staticMember,
		"group-range":              func(r run) { balancer(r, "range", kgo.RangeBalancer(), "[0 1 2][3 4 5]") },
		"group-roundrobin":         func(r run) { balancer(r, "roundrobin", kgo.RoundRobinBalancer(), "[0 2 4][1 3 5]") },
		"group-sticky":             func(r run) { balancer(r, "sticky", kgo.StickyBalancer(), "") },
		"group-cooperative-sticky": func(r run) { balancer(r, "cooperative-sticky", kgo.CooperativeStickyBalancer(), "") },
		"group-commit":             commit,
		"group-consumer-protocol":  consumerProtocol,
		"admin-create-topic":       createTopic,
		"admin-describe-topic":     describeTopic,
		"admin-alter-configs":      alterConfigs,
		"admin-add-partitions":     addPartitions,
		"admin-delete-records":     deleteRecords,
		"admin-delete-topic":       deleteTopic,
		"admin-list-groups":        listGroups,
		"admin-describe-group":     describeGroup,
		"admin-reset-offsets":      resetOffsets,
		"admin-delete-group":       deleteGroup,
		"transaction-commit":       transactionCommit,
		"transaction-abort":        transactionAbort,
		"transaction-offsets":      transactionOffsets,
	}
	feats.Main(all)
}

func client(r run, options ...kgo.Opt) *kgo.Client {
	return feats.Must(kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(r.Bootstrap)}, options...)...))
}

func admin(r run) *kadm.Client { return kadm.NewClient(client(r)) }

// topic makes a topic and waits until every partition has a leader.
func topic(r run, part string, partitions int32, configs map[string]*string) string {
	a := admin(r)
	defer a.Close()
	name := r.Name(part)
	feats.Must(a.CreateTopic(r, partitions, 1, configs, name))
	feats.Await(r, func() bool {
		details := feats.Must(a.ListTopics(r, name))
		return details[name].Err == nil && len(details[name].Partitions) == int(partitions)
	})
	return name
}

func value(i int) []byte { return []byte("value " + strconv.Itoa(i)) }

func produce(r run, topic string, count int, options ...kgo.Opt) []*kgo.Record {
	p := client(r, append([]kgo.Opt{kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner())}, options...)...)
	defer p.Close()
	records := make([]*kgo.Record, count)
	for i := range records {
		records[i] = &kgo.Record{Value: value(i)}
	}
	feats.OK(p.ProduceSync(r, records...).FirstErr())
	return records
}

// read polls `count` records from a client, and no more than that.
func read(r run, c *kgo.Client, count int) []*kgo.Record {
	var records []*kgo.Record
	for len(records) < count {
		fetches := c.PollRecords(r, count-len(records))
		feats.OK(fetches.Err0())
		for _, err := range fetches.Errors() {
			feats.OK(err.Err)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}

// readAll reads a topic from its beginning.
func readAll(r run, topic string, count int, options ...kgo.Opt) []*kgo.Record {
	c := client(r, append(options, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	defer c.Close()
	return read(r, c, count)
}

// Produce

func produceAndConsume(r run, options ...kgo.Opt) {
	t := topic(r, "topic", 1, nil)
	sent := produce(r, t, 200, options...)
	for i, record := range readAll(r, t, 200) {
		feats.Equal(string(value(i)), string(record.Value))
		feats.Equal(int64(i), record.Offset)
		feats.Check(sent[i].Offset == int64(i) || sent[i].Offset == 0 || sent[i].Offset == -1, "sent at %d", sent[i].Offset)
	}
	feats.Check(sent[199].Offset == 199 || r.Name("") == sent[199].Topic || sent[199].Offset <= 0, "the last is at %d", sent[199].Offset)
}

func keys(r run) {
	t := topic(r, "topic", 5, nil)
	p := client(r, kgo.DefaultProduceTopic(t))
	defer p.Close()
	placed, used := map[string]int32{}, map[int32]bool{}
	for i := range 100 {
		key := fmt.Sprint("key ", i%20)
		record := feats.Must(p.ProduceSync(r, &kgo.Record{Key: []byte(key), Value: []byte(strconv.Itoa(i))}).First())
		before, known := placed[key]
		feats.Check(!known || before == record.Partition, "%s is in partitions %d and %d", key, before, record.Partition)
		placed[key], used[record.Partition] = record.Partition, true
	}
	feats.Check(len(used) > 2, "20 keys are in partitions %v", used)
	last := map[string]int{}
	for _, record := range readAll(r, t, 100) {
		key, number := string(record.Key), feats.Must(strconv.Atoi(string(record.Value)))
		feats.Equal(placed[key], record.Partition)
		before, known := last[key]
		feats.Check(!known || before == number-20, "%s: %d after %d", key, number, before)
		last[key] = number
	}
}

func headers(r run) {
	t := topic(r, "topic", 1, nil)
	p := client(r, kgo.DefaultProduceTopic(t))
	defer p.Close()
	sent := []kgo.RecordHeader{
		{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "empty", Value: []byte{}},
		{Key: "null"}, {Key: "ключ", Value: []byte("значение")},
	}
	feats.OK(p.ProduceSync(r, &kgo.Record{Value: []byte("v"), Headers: sent}).FirstErr())
	feats.Equal(sent, readAll(r, t, 1)[0].Headers)
}

func timestamps(r run) {
	t := topic(r, "topic", 1, nil)
	p := client(r)
	defer p.Close()
	now := time.Now().Truncate(time.Millisecond)
	times := []time.Time{now.Add(-24 * time.Hour), now, now.Add(-5 * time.Second)}
	for _, each := range times {
		feats.OK(p.ProduceSync(r, &kgo.Record{Topic: t, Value: []byte("v"), Timestamp: each}).FirstErr())
	}
	for i, record := range readAll(r, t, 3) {
		feats.Equal(times[i].UnixMilli(), record.Timestamp.UnixMilli())
	}
	appended := topic(r, "appended", 1, map[string]*string{"message.timestamp.type": kadm.StringPtr("LogAppendTime")})
	feats.OK(p.ProduceSync(r, &kgo.Record{Topic: appended, Timestamp: time.UnixMilli(1)}).FirstErr())
	record := readAll(r, appended, 1)[0]
	feats.Equal(int8(1), record.Attrs.TimestampType())
	feats.Check(!record.Timestamp.Before(now), "appended at %v, began at %v", record.Timestamp, now)
}

func emptyAndNull(r run) {
	t := topic(r, "topic", 1, nil)
	p := client(r, kgo.DefaultProduceTopic(t))
	defer p.Close()
	feats.OK(p.ProduceSync(r, &kgo.Record{}, &kgo.Record{Key: []byte{}, Value: []byte{}}, &kgo.Record{Key: []byte("k")}).FirstErr())
	found := readAll(r, t, 3)
	feats.Check(found[0].Key == nil && found[0].Value == nil, "null became %v, %v", found[0].Key, found[0].Value)
	feats.Check(found[1].Key != nil && found[1].Value != nil && len(found[1].Key)+len(found[1].Value) == 0, "empty became null")
	feats.Check(string(found[2].Key) == "k" && found[2].Value == nil, "a tombstone became %v", found[2].Value)
}

func oneMegabyte(r run) {
	t := topic(r, "topic", 1, nil)
	large := make([]byte, 1_000_000)
	for i := range large {
		large[i] = byte(i*31 + i/251)
	}
	p := client(r, kgo.DefaultProduceTopic(t), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(4_000_000))
	defer p.Close()
	feats.OK(p.ProduceSync(r, &kgo.Record{Value: large}).FirstErr())
	feats.Check(bytes.Equal(large, readAll(r, t, 1)[0].Value), "other bytes came back")
	err := p.ProduceSync(r, &kgo.Record{Value: make([]byte, 2_000_000)}).FirstErr()
	feats.Check(errors.Is(err, kerr.MessageTooLarge), "2 MB: %v", err)
}

// Consume

func fromBeginning(r run) {
	t := topic(r, "topic", 3, nil)
	p := client(r, kgo.DefaultProduceTopic(t), kgo.RecordPartitioner(kgo.RoundRobinPartitioner()))
	defer p.Close()
	for i := range 90 {
		p.Produce(r, &kgo.Record{Value: value(i)}, nil)
	}
	feats.OK(p.Flush(r))
	values, next := map[string]bool{}, map[int32]int64{}
	for _, record := range readAll(r, t, 90, kgo.FetchMaxPartitionBytes(300)) {
		values[string(record.Value)] = true
		feats.Equal(next[record.Partition], record.Offset)
		next[record.Partition]++
	}
	feats.Equal(90, len(values))
	feats.Equal(3, len(next))
}

func fromOffset(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 50)
	c := client(r, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t: {0: kgo.NewOffset().At(37)}}))
	defer c.Close()
	records := read(r, c, 13)
	feats.Equal(int64(37), records[0].Offset)
	feats.Equal("value 49", string(records[12].Value))
}

func fromTime(r run) {
	t := topic(r, "topic", 1, nil)
	base := time.Now().Add(-100 * time.Second).UnixMilli()
	p := client(r, kgo.DefaultProduceTopic(t))
	defer p.Close()
	for i := range 20 {
		feats.OK(p.ProduceSync(r, &kgo.Record{Value: value(i), Timestamp: time.UnixMilli(base + int64(i)*1000)}).FirstErr())
	}
	a := admin(r)
	defer a.Close()
	found, _ := feats.Must(a.ListOffsetsAfterMilli(r, base+6500, t)).Lookup(t, 0)
	feats.Equal(int64(7), found.Offset)
	feats.Equal(base+7000, found.Timestamp)
	feats.Equal("value 7", string(consumedFrom(r, t, kgo.NewOffset().AfterMilli(base+6500))))
}

func consumedFrom(r run, topic string, offset kgo.Offset) []byte {
	c := client(r, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: offset}}))
	defer c.Close()
	return read(r, c, 1)[0].Value
}

func pause(r run) {
	t := topic(r, "topic", 2, nil)
	partition := func(number int32) map[string][]int32 { return map[string][]int32{t: {number}} }
	start := kgo.NewOffset().AtStart()
	c := client(r, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t: {0: start, 1: start}}),
		kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer c.Close()
	c.PauseFetchPartitions(partition(0))
	for i := range 20 {
		feats.OK(c.ProduceSync(r, &kgo.Record{Topic: t, Partition: int32(i % 2), Value: value(i)}).FirstErr())
	}
	for _, record := range read(r, c, 10) {
		feats.Equal(int32(1), record.Partition)
	}
	c.ResumeFetchPartitions(partition(0))
	for i, record := range read(r, c, 10) {
		feats.Equal(string(value(i*2)), string(record.Value))
	}
}

func seek(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 30)
	c := client(r, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t: {0: kgo.NewOffset().AtStart()}}))
	defer c.Close()
	feats.Equal(int64(29), read(r, c, 30)[29].Offset)
	for _, offset := range []int64{3, 29} {
		c.SetOffsets(map[string]map[int32]kgo.EpochOffset{t: {0: {Epoch: -1, Offset: offset}}})
		records := read(r, c, 30-int(offset))
		feats.Equal(offset, records[0].Offset)
		feats.Equal("value 29", string(records[len(records)-1].Value))
	}
}

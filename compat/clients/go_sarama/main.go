// sarama: producers, consumers, consumer groups and ClusterAdmin.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/IBM/sarama"
	"odradek.test/feats"
)

type run = *feats.Run

func main() {
	all := map[string]feats.Feat{
		"produce-acks-0":         func(r run) { produceAndConsume(r, acks(sarama.NoResponse)) },
		"produce-acks-1":         func(r run) { produceAndConsume(r, acks(sarama.WaitForLocal)) },
		"produce-acks-all":       func(r run) { produceAndConsume(r, acks(sarama.WaitForAll)) },
		"produce-gzip":           func(r run) { produceAndConsume(r, codec(sarama.CompressionGZIP)) },
		"produce-snappy":         func(r run) { produceAndConsume(r, codec(sarama.CompressionSnappy)) },
		"produce-lz4":            func(r run) { produceAndConsume(r, codec(sarama.CompressionLZ4)) },
		"produce-zstd":           func(r run) { produceAndConsume(r, codec(sarama.CompressionZSTD)) },
		"produce-keys":           keys,
		"produce-headers":        headers,
		"produce-timestamps":     timestamps,
		"produce-empty-and-null": emptyAndNull,
		"produce-1mb":            oneMegabyte,
		"produce-idempotent":     func(r run) { produceAndConsume(r, idempotent) },
		"consume-from-beginning": fromBeginning,
		"consume-from-offset":    fromOffset,
		"consume-from-time":      fromTime,
		"consume-pause":          pause,
		"consume-seek":           seek,
		"group-join":             func(r run) { groupOfThree(r, stays) },
		"group-leave":            func(r run) { groupOfThree(r, leaves) },
		"group-crash":            func(r run) { groupOfThree(r, crashes) },
		"group-static":           staticMember,
		"group-range":            func(r run) { balancer(r, sarama.NewBalanceStrategyRange(), "[0 1 2][3 4 5]") },
		"group-roundrobin":       func(r run) { balancer(r, sarama.NewBalanceStrategyRoundRobin(), "[0 2 4][1 3 5]") },
		"group-sticky":           func(r run) { balancer(r, sarama.NewBalanceStrategySticky(), "") },
		"group-commit":           commit,
		"admin-create-topic":     createTopic,
		"admin-describe-topic":   describeTopic,
		"admin-alter-configs":    alterConfigs,
		"admin-add-partitions":   addPartitions,
		"admin-delete-records":   deleteRecords,
		"admin-delete-topic":     deleteTopic,
		"admin-list-groups":      listGroups,
		"admin-describe-group":   describeGroup,
		"admin-reset-offsets":    resetOffsets,
		"admin-delete-group":     deleteGroup,
		"transaction-commit":     transactionCommit,
		"transaction-abort":      transactionAbort,
		"transaction-offsets":    transactionOffsets,
	}
	feats.Main(all)
}

type option func(*sarama.Config)

func config(options ...option) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V3_9_0_0
	c.Producer.Return.Successes = true
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.MaxWaitTime = 100 * time.Millisecond
	for _, each := range options {
		each(c)
	}
	return c
}

func acks(required sarama.RequiredAcks) option {
	return func(c *sarama.Config) { c.Producer.RequiredAcks = required }
}

func codec(codec sarama.CompressionCodec) option {
	return func(c *sarama.Config) { c.Producer.Compression = codec }
}

func idempotent(c *sarama.Config) {
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Net.MaxOpenRequests = 1
}

func committedOnly(c *sarama.Config) { c.Consumer.IsolationLevel = sarama.ReadCommitted }

func manual(c *sarama.Config) { c.Producer.Partitioner = sarama.NewManualPartitioner }

func admin(r run) sarama.ClusterAdmin {
	return feats.Must(sarama.NewClusterAdmin([]string{r.Bootstrap}, config()))
}

func topic(r run, part string, partitions int32, entries map[string]*string) string {
	a := admin(r)
	defer a.Close()
	name := r.Name(part)
	feats.OK(a.CreateTopic(name, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries}, false))
	feats.Await(r, func() bool { return partitionCount(a, name) == int(partitions) })
	return name
}

func partitionCount(a sarama.ClusterAdmin, name string) int {
	return len(feats.Must(a.DescribeTopics([]string{name}))[0].Partitions)
}

func text(number int) string { return "value " + strconv.Itoa(number) }

func send(r run, messages []*sarama.ProducerMessage, options ...option) error {
	p := feats.Must(sarama.NewSyncProducer([]string{r.Bootstrap}, config(options...)))
	defer p.Close()
	return p.SendMessages(messages)
}

func produce(r run, topic string, count int, options ...option) []*sarama.ProducerMessage {
	messages := make([]*sarama.ProducerMessage, count)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(text(i))}
	}
	feats.OK(send(r, messages, options...))
	return messages
}

// readFrom reads `count` records of one partition.
func readFrom(r run, topic string, partition int32, offset int64, count int, options ...option) []*sarama.ConsumerMessage {
	c := feats.Must(sarama.NewConsumer([]string{r.Bootstrap}, config(options...)))
	defer c.Close()
	p := feats.Must(c.ConsumePartition(topic, partition, offset))
	defer p.Close()
	return take(r, p, count)
}

func take(r run, p sarama.PartitionConsumer, count int) []*sarama.ConsumerMessage {
	var records []*sarama.ConsumerMessage
	for len(records) < count {
		select {
		case record := <-p.Messages():
			records = append(records, record)
		case <-r.Done():
			panic(fmt.Sprintf("%d of %d records", len(records), count))
		}
	}
	return records
}

// Produce

func produceAndConsume(r run, options ...option) {
	t := topic(r, "topic", 1, nil)
	sent := produce(r, t, 200, options...)
	for i, record := range readFrom(r, t, 0, 0, 200) {
		feats.Equal(text(i), string(record.Value))
		feats.Equal(int64(i), record.Offset)
		if config(options...).Producer.RequiredAcks != sarama.NoResponse {
			feats.Equal(int64(i), sent[i].Offset)
		}
	}
}

func keys(r run) {
	t := topic(r, "topic", 5, nil)
	var messages []*sarama.ProducerMessage
	for i := range 100 {
		key := sarama.StringEncoder(fmt.Sprint("key ", i%20))
		messages = append(messages, &sarama.ProducerMessage{Topic: t, Key: key, Value: sarama.StringEncoder(strconv.Itoa(i))})
	}
	feats.OK(send(r, messages))
	placed, counts := map[sarama.Encoder]int32{}, map[int32]int{}
	for _, each := range messages {
		before, known := placed[each.Key]
		feats.Check(!known || before == each.Partition, "%v is in partitions %d and %d", each.Key, before, each.Partition)
		placed[each.Key] = each.Partition
		counts[each.Partition]++
	}
	feats.Check(len(counts) > 2, "20 keys are in partitions %v", counts)
	last := map[string]int{}
	for partition, count := range counts {
		for _, record := range readFrom(r, t, partition, 0, count) {
			key, number := string(record.Key), feats.Must(strconv.Atoi(string(record.Value)))
			feats.Equal(placed[sarama.StringEncoder(key)], partition)
			before, known := last[key]
			feats.Check(!known || before == number-20, "%s: %d after %d", key, number, before)
			last[key] = number
		}
	}
}

func headers(r run) {
	t := topic(r, "topic", 1, nil)
	sent := []sarama.RecordHeader{
		{Key: []byte("a"), Value: []byte("1")}, {Key: []byte("a"), Value: []byte("2")},
		{Key: []byte("empty"), Value: []byte{}}, {Key: []byte("ключ"), Value: []byte("значение")},
	}
	feats.OK(send(r, []*sarama.ProducerMessage{{Topic: t, Value: sarama.StringEncoder("v"), Headers: sent}}))
	found := readFrom(r, t, 0, 0, 1)[0].Headers
	feats.Equal(len(sent), len(found))
	for i, header := range found {
		feats.Equal(string(sent[i].Key)+"="+string(sent[i].Value), string(header.Key)+"="+string(header.Value))
	}
}

func timestamps(r run) {
	t := topic(r, "topic", 1, nil)
	now := time.Now().Truncate(time.Millisecond)
	times := []time.Time{now.Add(-24 * time.Hour), now, now.Add(-5 * time.Second)}
	for _, each := range times {
		feats.OK(send(r, []*sarama.ProducerMessage{{Topic: t, Value: sarama.StringEncoder("v"), Timestamp: each}}))
	}
	for i, record := range readFrom(r, t, 0, 0, 3) {
		feats.Equal(times[i].UnixMilli(), record.Timestamp.UnixMilli())
	}
}

func emptyAndNull(r run) {
	t := topic(r, "topic", 1, nil)
	feats.OK(send(r, []*sarama.ProducerMessage{
		{Topic: t}, {Topic: t, Key: sarama.ByteEncoder{}, Value: sarama.ByteEncoder{}}, {Topic: t, Key: sarama.StringEncoder("k")},
	}))
	found := readFrom(r, t, 0, 0, 3)
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
	unlimited := func(c *sarama.Config) { c.Producer.MaxMessageBytes = 4_000_000 }
	feats.OK(send(r, []*sarama.ProducerMessage{{Topic: t, Value: sarama.ByteEncoder(large)}}, unlimited))
	feats.Check(bytes.Equal(large, readFrom(r, t, 0, 0, 1)[0].Value), "other bytes came back")
	err := send(r, []*sarama.ProducerMessage{{Topic: t, Value: sarama.ByteEncoder(make([]byte, 2_000_000))}}, unlimited)
	var failures sarama.ProducerErrors
	feats.Check(errors.As(err, &failures) && errors.Is(failures[0].Err, sarama.ErrMessageSizeTooLarge), "2 MB: %v", err)
}

// Consume

func fromBeginning(r run) {
	t := topic(r, "topic", 3, nil)
	var messages []*sarama.ProducerMessage
	for i := range 90 {
		messages = append(messages, &sarama.ProducerMessage{Topic: t, Partition: int32(i % 3), Value: sarama.StringEncoder(text(i))})
	}
	feats.OK(send(r, messages, manual))
	for partition := range 3 {
		for i, record := range readFrom(r, t, int32(partition), sarama.OffsetOldest, 30) {
			feats.Equal(int64(i), record.Offset)
			feats.Equal(text(i*3+partition), string(record.Value))
		}
	}
}

func fromOffset(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 50)
	records := readFrom(r, t, 0, 37, 13)
	feats.Equal(int64(37), records[0].Offset)
	feats.Equal(text(49), string(records[12].Value))
}

func fromTime(r run) {
	t := topic(r, "topic", 1, nil)
	base := time.Now().Add(-100 * time.Second).UnixMilli()
	for i := range 20 {
		at := time.UnixMilli(base + int64(i)*1000)
		feats.OK(send(r, []*sarama.ProducerMessage{{Topic: t, Value: sarama.StringEncoder(text(i)), Timestamp: at}}))
	}
	c := feats.Must(sarama.NewClient([]string{r.Bootstrap}, config()))
	defer c.Close()
	offset := feats.Must(c.GetOffset(t, 0, base+6500))
	feats.Equal(int64(7), offset)
	feats.Equal(text(7), string(readFrom(r, t, 0, offset, 13)[0].Value))
}

func pause(r run) {
	t := topic(r, "topic", 2, nil)
	c := feats.Must(sarama.NewConsumer([]string{r.Bootstrap}, config()))
	defer c.Close()
	paused := feats.Must(c.ConsumePartition(t, 0, sarama.OffsetOldest))
	flowing := feats.Must(c.ConsumePartition(t, 1, sarama.OffsetOldest))
	paused.Pause()
	var messages []*sarama.ProducerMessage
	for i := range 20 {
		messages = append(messages, &sarama.ProducerMessage{Topic: t, Partition: int32(i % 2), Value: sarama.StringEncoder(text(i))})
	}
	feats.OK(send(r, messages, manual))
	take(r, flowing, 10)
	feats.Equal(0, len(paused.Messages()))
	paused.Resume()
	for i, record := range take(r, paused, 10) {
		feats.Equal(text(i*2), string(record.Value))
	}
	feats.OK(paused.Close())
	feats.OK(flowing.Close())
}

func seek(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 30)
	for _, offset := range []int64{0, 3, 29} {
		records := readFrom(r, t, 0, offset, 30-int(offset))
		feats.Equal(offset, records[0].Offset)
		feats.Equal(text(29), string(records[len(records)-1].Value))
	}
}

// kafka-go: Writer, Reader, ConsumerGroup and Client.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"odradek.test/feats"
)

type run = *feats.Run

func main() {
	all := map[string]feats.Feat{
		"produce-acks-0":         func(r run) { produceAndConsume(r, func(w *kafka.Writer) { w.RequiredAcks = kafka.RequireNone }) },
		"produce-acks-1":         func(r run) { produceAndConsume(r, func(w *kafka.Writer) { w.RequiredAcks = kafka.RequireOne }) },
		"produce-acks-all":       func(r run) { produceAndConsume(r, func(*kafka.Writer) {}) },
		"produce-gzip":           func(r run) { produceAndConsume(r, codec(kafka.Gzip)) },
		"produce-snappy":         func(r run) { produceAndConsume(r, codec(kafka.Snappy)) },
		"produce-lz4":            func(r run) { produceAndConsume(r, codec(kafka.Lz4)) },
		"produce-zstd":           func(r run) { produceAndConsume(r, codec(kafka.Zstd)) },
		"produce-keys":           keys,
		"produce-headers":        headers,
		"produce-timestamps":     timestamps,
		"produce-empty-and-null": emptyAndNull,
		"produce-1mb":            oneMegabyte,
		"consume-from-beginning": fromBeginning,
		"consume-from-offset":    func(r run) { fromOffsets(r, 37) },
		"consume-from-time":      fromTime,
		"consume-seek":           func(r run) { fromOffsets(r, 0, 3, 49, 20) },
		"group-join":             func(r run) { groupOfThree(r, stays) },
		"group-leave":            func(r run) { groupOfThree(r, leaves) },
		"group-crash":            func(r run) { groupOfThree(r, crashes) },
		"group-range":            func(r run) { balancer(r, kafka.RangeGroupBalancer{}, [6]int{0, 0, 0, 1, 1, 1}) },
		"group-roundrobin":       func(r run) { balancer(r, kafka.RoundRobinGroupBalancer{}, [6]int{0, 1, 0, 1, 0, 1}) },
		"group-commit":           commit,
		"admin-create-topic":     createTopic,
		"admin-describe-topic":   describeTopic,
		"admin-alter-configs":    alterConfigs,
		"admin-add-partitions":   addPartitions,
		"admin-delete-topic":     deleteTopic,
		"admin-list-groups":      listGroups,
		"admin-describe-group":   describeGroup,
		"admin-reset-offsets":    resetOffsets,
		"admin-delete-group":     deleteGroup,
	}
	feats.Main(all)
}

func client(r run) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(r.Bootstrap), Timeout: 10 * time.Second}
}

func topic(r run, partitions int, entries ...kafka.ConfigEntry) string {
	name := r.Name("topic")
	feats.OK(create(r, name, partitions, entries...))
	feats.Await(r, func() bool { return len(partitionsOf(r, name)) == partitions })
	return name
}

func create(r run, name string, partitions int, entries ...kafka.ConfigEntry) error {
	config := kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: 1, ConfigEntries: entries}
	return feats.Must(client(r).CreateTopics(r, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})).Errors[name]
}

func partitionsOf(r run, name string) []kafka.Partition {
	return feats.Must(client(r).Metadata(r, &kafka.MetadataRequest{Topics: []string{name}})).Topics[0].Partitions
}

func text(number int) string { return "value " + strconv.Itoa(number) }

type toPartition struct{}

func (toPartition) Balance(message kafka.Message, _ ...int) int { return message.WriterData.(int) }

// write produces with acks=all and a batch for the lot, but for what `change` says.
func write(r run, topic string, messages []kafka.Message, change func(*kafka.Writer)) error {
	w := &kafka.Writer{Addr: kafka.TCP(r.Bootstrap), Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: 10 * time.Millisecond}
	change(w)
	defer w.Close()
	return w.WriteMessages(r, messages...)
}

func numbered(count, partitions int) []kafka.Message {
	messages := make([]kafka.Message, count)
	for i := range messages {
		messages[i] = kafka.Message{Value: []byte(text(i)), WriterData: i % partitions}
	}
	return messages
}

func produce(r run, topic string, count, partitions int) {
	feats.OK(write(r, topic, numbered(count, partitions), func(w *kafka.Writer) { w.Balancer = toPartition{} }))
}

func reader(r run, topic string, partition int) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{r.Bootstrap}, Topic: topic, Partition: partition, MaxWait: 100 * time.Millisecond, MaxBytes: 4_000_000,
	})
}

func readFrom(r run, topic string, partition int, offset int64, count int) []kafka.Message {
	from := reader(r, topic, partition)
	defer from.Close()
	feats.OK(from.SetOffset(offset))
	return take(r, from, count)
}

func take(r run, from *kafka.Reader, count int) []kafka.Message {
	messages := make([]kafka.Message, count)
	for i := range messages {
		messages[i] = feats.Must(from.FetchMessage(r))
	}
	return messages
}

// Produce

func codec(codec kafka.Compression) func(*kafka.Writer) {
	return func(w *kafka.Writer) { w.Compression = codec }
}

func produceAndConsume(r run, change func(*kafka.Writer)) {
	t := topic(r, 1)
	feats.OK(write(r, t, numbered(200, 1), change))
	for i, message := range readFrom(r, t, 0, 0, 200) {
		feats.Equal(text(i), string(message.Value))
		feats.Equal(int64(i), message.Offset)
	}
}

func keys(r run) {
	t := topic(r, 5)
	var messages []kafka.Message
	for i := range 100 {
		messages = append(messages, kafka.Message{Key: []byte(fmt.Sprint("key ", i%20)), Value: []byte(strconv.Itoa(i))})
	}
	feats.OK(write(r, t, messages, func(w *kafka.Writer) { w.Balancer = kafka.Murmur2Balancer{} }))
	offsets := feats.Must(client(r).ListOffsets(r, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		t: {kafka.LastOffsetOf(0), kafka.LastOffsetOf(1), kafka.LastOffsetOf(2), kafka.LastOffsetOf(3), kafka.LastOffsetOf(4)},
	}}))
	placed, last, total := map[string]int{}, map[string]int{}, 0
	for _, end := range offsets.Topics[t] {
		for _, message := range readFrom(r, t, end.Partition, 0, int(end.LastOffset)) {
			key, number := string(message.Key), feats.Must(strconv.Atoi(string(message.Value)))
			before, known := placed[key]
			feats.Check(!known || before == end.Partition, "%s is in partitions %d and %d", key, before, end.Partition)
			feats.Check(!known || last[key] == number-20, "%s: %d after %d", key, number, last[key])
			placed[key], last[key] = end.Partition, number
			total++
		}
	}
	feats.Equal(100, total)
}

func headers(r run) {
	t := topic(r, 1)
	sent := []kafka.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "ключ", Value: []byte("значение")}}
	feats.OK(write(r, t, []kafka.Message{{Value: []byte("v"), Headers: sent}}, func(*kafka.Writer) {}))
	feats.Equal(sent, readFrom(r, t, 0, 0, 1)[0].Headers)
}

func timestamps(r run) {
	t := topic(r, 1)
	now := time.Now().Truncate(time.Millisecond)
	times := []time.Time{now.Add(-24 * time.Hour), now, now.Add(-5 * time.Second)}
	for _, each := range times {
		feats.OK(write(r, t, []kafka.Message{{Value: []byte("v"), Time: each}}, func(*kafka.Writer) {}))
	}
	for i, message := range readFrom(r, t, 0, 0, 3) {
		feats.Equal(times[i].UnixMilli(), message.Time.UnixMilli())
	}
}

func emptyAndNull(r run) {
	t := topic(r, 1)
	feats.OK(write(r, t, []kafka.Message{{}, {Key: []byte{}, Value: []byte{}}, {Key: []byte("k")}}, func(*kafka.Writer) {}))
	found := readFrom(r, t, 0, 0, 3)
	feats.Check(found[0].Key == nil && found[0].Value == nil, "null became %v, %v", found[0].Key, found[0].Value)
	feats.Check(len(found[1].Key)+len(found[1].Value) == 0, "empty became something")
	feats.Check(string(found[2].Key) == "k" && found[2].Value == nil, "a tombstone became %v", found[2].Value)
}

func oneMegabyte(r run) {
	t := topic(r, 1)
	large := make([]byte, 1_000_000)
	for i := range large {
		large[i] = byte(i*31 + i/251)
	}
	unlimited := func(w *kafka.Writer) { w.BatchBytes = 4_000_000 }
	feats.OK(write(r, t, []kafka.Message{{Value: large}}, unlimited))
	feats.Check(bytes.Equal(large, readFrom(r, t, 0, 0, 1)[0].Value), "other bytes came back")
	err := write(r, t, []kafka.Message{{Value: make([]byte, 2_000_000)}}, unlimited)
	var failures kafka.WriteErrors
	feats.Check(errors.As(err, &failures) && errors.Is(failures[0], kafka.MessageSizeTooLarge), "2 MB: %v", err)
}

// Consume

func fromBeginning(r run) {
	t := topic(r, 3)
	produce(r, t, 90, 3)
	for partition := range 3 {
		for i, message := range readFrom(r, t, partition, kafka.FirstOffset, 30) {
			feats.Equal(int64(i), message.Offset)
			feats.Equal(text(i*3+partition), string(message.Value))
		}
	}
}

func fromOffsets(r run, offsets ...int64) {
	t := topic(r, 1)
	produce(r, t, 50, 1)
	from := reader(r, t, 0)
	defer from.Close()
	for _, offset := range offsets {
		feats.OK(from.SetOffset(offset))
		found := take(r, from, 50-int(offset))
		feats.Equal(offset, found[0].Offset)
		feats.Equal(text(49), string(found[len(found)-1].Value))
	}
}

func fromTime(r run) {
	t := topic(r, 1)
	base := time.Now().Add(-100 * time.Second).UnixMilli()
	for i := range 20 {
		message := kafka.Message{Value: []byte(text(i)), Time: time.UnixMilli(base + int64(i)*1000)}
		feats.OK(write(r, t, []kafka.Message{message}, func(*kafka.Writer) {}))
	}
	from := reader(r, t, 0)
	defer from.Close()
	feats.OK(from.SetOffsetAt(r, time.UnixMilli(base+6500)))
	feats.Equal(int64(7), from.Offset())
	feats.Equal(text(7), string(take(r, from, 13)[0].Value))
}

package main

import (
	"github.com/IBM/sarama"
	"odradek.test/feats"
)

func transactional(r run) sarama.SyncProducer {
	id := func(c *sarama.Config) { c.Producer.Transaction.ID = r.Name("id") }
	return feats.Must(sarama.NewSyncProducer([]string{r.Bootstrap}, config(idempotent, id)))
}

func put(p sarama.SyncProducer, topic, value string) {
	_, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: topic, Value: sarama.StringEncoder(value)})
	feats.OK(err)
}

func transactionCommit(r run) {
	t := topic(r, "topic", 1, nil)
	p := transactional(r)
	defer p.Close()
	feats.OK(p.BeginTxn())
	for i := range 20 {
		put(p, t, text(i))
	}
	c := feats.Must(sarama.NewConsumer([]string{r.Bootstrap}, config(committedOnly)))
	defer c.Close()
	partition := feats.Must(c.ConsumePartition(t, 0, 0))
	defer partition.Close()
	feats.Await(r, func() bool { return partition.HighWaterMarkOffset() == 20 })
	feats.Equal(0, len(partition.Messages()))
	feats.OK(p.CommitTxn())
	feats.Equal(text(19), string(take(r, partition, 20)[19].Value))
}

func transactionAbort(r run) {
	t := topic(r, "topic", 1, nil)
	p := transactional(r)
	defer p.Close()
	feats.OK(p.BeginTxn())
	put(p, t, "aborted")
	feats.OK(p.AbortTxn())
	feats.OK(p.BeginTxn())
	put(p, t, "committed")
	feats.OK(p.CommitTxn())
	record := readFrom(r, t, 0, 0, 1, committedOnly)[0]
	feats.Equal("committed", string(record.Value))
	feats.Equal(int64(2), record.Offset)
	feats.Equal("aborted", string(readFrom(r, t, 0, 0, 2)[0].Value))
}

func transactionOffsets(r run) {
	source, sink := topic(r, "source", 1, nil), topic(r, "sink", 1, nil)
	produce(r, source, 10)
	records := readFrom(r, source, 0, 0, 10)
	p := transactional(r)
	defer p.Close()
	for _, commits := range []bool{false, true} {
		feats.OK(p.BeginTxn())
		for _, record := range records {
			put(p, sink, string(record.Value)+" seen")
		}
		offsets := map[string][]*sarama.PartitionOffsetMetadata{source: {{Partition: 0, Offset: 10, LeaderEpoch: -1}}}
		feats.OK(p.AddOffsetsToTxn(offsets, r.Name("group")))
		if commits {
			feats.OK(p.CommitTxn())
			feats.Await(r, func() bool { return committedOffset(r, source) == 10 })
		} else {
			feats.OK(p.AbortTxn())
			feats.Equal(int64(-1), committedOffset(r, source))
		}
	}
	feats.Equal("value 9 seen", string(readFrom(r, sink, 0, 0, 10, committedOnly)[9].Value))
}

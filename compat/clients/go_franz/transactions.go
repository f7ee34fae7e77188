package main

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"odradek.test/feats"
)

func transactionCommit(r run) {
	t := topic(r, "topic", 1, nil)
	p := client(r, kgo.TransactionalID(r.Name("id")), kgo.DefaultProduceTopic(t))
	defer p.Close()
	feats.OK(p.BeginTransaction())
	for i := range 20 {
		feats.OK(p.ProduceSync(r, &kgo.Record{Value: value(i)}).FirstErr())
	}
	seen := make(chan int, 1)
	go func() { seen <- len(readAll(r, t, 20, kgo.FetchIsolationLevel(kgo.ReadCommitted()))) }()
	select {
	case <-seen:
		panic("uncommitted records were seen")
	case <-time.After(time.Second):
	}
	feats.OK(p.EndTransaction(r, kgo.TryCommit))
	feats.Equal(20, <-seen)
}

func transactionAbort(r run) {
	t := topic(r, "topic", 1, nil)
	p := client(r, kgo.TransactionalID(r.Name("id")), kgo.DefaultProduceTopic(t))
	defer p.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		feats.OK(p.BeginTransaction())
		text := map[kgo.TransactionEndTry]string{kgo.TryAbort: "aborted", kgo.TryCommit: "committed"}[end]
		feats.OK(p.ProduceSync(r, kgo.StringRecord(text)).FirstErr())
		feats.OK(p.EndTransaction(r, end))
	}
	record := readAll(r, t, 1, kgo.FetchIsolationLevel(kgo.ReadCommitted()))[0]
	feats.Equal("committed", string(record.Value))
	feats.Equal(int64(2), record.Offset)
	feats.Equal("aborted", string(readAll(r, t, 2)[0].Value))
}

func transactionOffsets(r run) {
	source, sink := topic(r, "source", 1, nil), topic(r, "sink", 1, nil)
	produce(r, source, 10)
	session := feats.Must(kgo.NewGroupTransactSession(kgo.SeedBrokers(r.Bootstrap), kgo.TransactionalID(r.Name("id")),
		kgo.ConsumerGroup(r.Name("group")), kgo.ConsumeTopics(source), kgo.DefaultProduceTopic(sink),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted())))
	defer session.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		feats.OK(session.Begin())
		for seen := 0; seen < 10; {
			for _, record := range session.PollFetches(r).Records() {
				session.Produce(r, kgo.StringRecord(string(record.Value)+" seen"), nil)
				seen++
			}
		}
		committed := feats.Must(session.End(r, end))
		feats.Equal(bool(end), committed)
		// The offset counts once the coordinator has written its marker, after the producer was answered.
		feats.Await(r, func() bool {
			offset, known := committedOffset(r, r.Name("group"), source)
			return known == bool(end) && (!known || offset == 10)
		})
	}
	records := readAll(r, sink, 10, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	feats.Equal("value 9 seen", string(records[9].Value))
}

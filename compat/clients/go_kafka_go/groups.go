package main

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"odradek.test/feats"
)

type ending int

const (
	stays ending = iota
	leaves
	crashes
)

// member joins again and again on a goroutine of its own; every connection it makes can be cut.
type member struct {
	sync.Mutex
	*kafka.ConsumerGroup
	assigned    []int
	values      map[string]int
	connections []net.Conn
	crashed     bool
}

func join(r run, topic string, balancers ...kafka.GroupBalancer) *member {
	m := &member{values: map[string]int{}}
	m.ConsumerGroup = feats.Must(kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: r.Name("group"), Brokers: []string{r.Bootstrap}, Topics: []string{topic}, GroupBalancers: balancers,
		SessionTimeout: 6 * time.Second, HeartbeatInterval: 300 * time.Millisecond, JoinGroupBackoff: 100 * time.Millisecond,
		Dialer: &kafka.Dialer{ClientID: "it is me", DialFunc: m.dial}, StartOffset: kafka.FirstOffset,
	}))
	go m.follow(r, topic)
	return m
}

func (m *member) follow(r run, topic string) {
	for {
		generation, err := m.Next(r)
		if errors.Is(err, kafka.ErrGroupClosed) || r.Err() != nil {
			return
		}
		if err != nil {
			continue
		}
		m.Lock()
		m.assigned = nil
		for _, each := range generation.Assignments[topic] {
			m.assigned = append(m.assigned, each.ID)
			generation.Start(func(alive context.Context) { m.read(alive, r, topic, each) })
		}
		slices.Sort(m.assigned)
		m.Unlock()
	}
}

func (m *member) read(alive context.Context, r run, topic string, from kafka.PartitionAssignment) {
	partition := reader(r, topic, from.ID)
	defer partition.Close()
	if partition.SetOffset(from.Offset) != nil {
		return
	}
	for {
		message, err := partition.FetchMessage(alive)
		if err != nil {
			return
		}
		m.Lock()
		m.values[string(message.Value)] = message.Partition
		m.Unlock()
	}
}

func (m *member) dial(ctx context.Context, network, address string) (net.Conn, error) {
	m.Lock()
	defer m.Unlock()
	if m.crashed {
		return nil, errors.New("this member has crashed")
	}
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	m.connections = append(m.connections, connection)
	return connection, err
}

// crash cuts every connection: no LeaveGroup, no heartbeat any more.
func (m *member) crash() {
	m.Lock()
	defer m.Unlock()
	m.crashed = true
	for _, connection := range m.connections {
		connection.Close()
	}
}

func (m *member) partitions() []int {
	m.Lock()
	defer m.Unlock()
	return slices.Clone(m.assigned)
}

func (m *member) count() int {
	m.Lock()
	defer m.Unlock()
	return len(m.values)
}

func awaitShares(r run, share int, members ...*member) {
	feats.Await(r, func() bool {
		all := map[int]bool{}
		for _, m := range members {
			partitions := m.partitions()
			if len(partitions) != share {
				return false
			}
			for _, each := range partitions {
				all[each] = true
			}
		}
		return len(all) == share*len(members)
	})
}

func groupOfThree(r run, third ending) {
	t := topic(r, 6)
	members := []*member{join(r, t), join(r, t), join(r, t)}
	awaitShares(r, 2, members...)
	if third != stays {
		began := time.Now()
		if third == crashes {
			members[2].crash()
		} else {
			feats.OK(members[2].Close())
		}
		members = members[:2]
		awaitShares(r, 3, members...)
		feats.Check(third == leaves || time.Since(began) > 4*time.Second, "a crash was noticed after only %v", time.Since(began))
	}
	produce(r, t, 60, 6)
	for _, m := range members {
		feats.Await(r, func() bool { return m.count() == 60/len(members) })
		for _, partition := range m.values {
			feats.Check(slices.Contains(m.partitions(), partition), "a record of partition %d", partition)
		}
	}
	for _, m := range members {
		feats.OK(m.Close())
	}
}

// balancer checks who of two members gets which partition, in the order in which the broker lists them:
// kafka-go does not sort.
func balancer(r run, chosen kafka.GroupBalancer, owners [6]int) {
	t := topic(r, 6)
	one, two := join(r, t, chosen), join(r, t, chosen)
	awaitShares(r, 3, one, two)
	var expected [2][]int
	for i, each := range feats.Must(kafka.LookupPartitions(r, "tcp", r.Bootstrap, t)) {
		expected[owners[i]] = append(expected[owners[i]], each.ID)
	}
	slices.Sort(expected[0])
	slices.Sort(expected[1])
	if !slices.Equal(expected[0], one.partitions()) {
		one, two = two, one
	}
	feats.Equal(expected, [2][]int{one.partitions(), two.partitions()})
	feats.OK(one.Close())
	feats.OK(two.Close())
}

func commit(r run) {
	t := topic(r, 1)
	produce(r, t, 30, 1)
	for _, expected := range []int64{0, 10, 20} {
		from := kafka.NewReader(kafka.ReaderConfig{
			Brokers: []string{r.Bootstrap}, Topic: t, GroupID: r.Name("group"), StartOffset: kafka.FirstOffset,
			MaxWait: 100 * time.Millisecond,
		})
		messages := take(r, from, 10)
		feats.Equal(expected, messages[0].Offset)
		feats.OK(from.CommitMessages(r, messages...))
		feats.OK(from.Close())
		feats.Equal(expected+10, committedOffset(r, t))
	}
}

func committedOffset(r run, topic string) int64 {
	request := &kafka.OffsetFetchRequest{GroupID: r.Name("group"), Topics: map[string][]int{topic: {0}}}
	return feats.Must(client(r).OffsetFetch(r, request)).Topics[topic][0].CommittedOffset
}

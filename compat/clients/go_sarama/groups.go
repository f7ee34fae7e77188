package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"odradek.test/feats"
)

type ending int

const (
	stays ending = iota
	leaves
	crashes
)

// member consumes on a goroutine of its own; every connection it makes can be cut.
type member struct {
	sync.Mutex
	sarama.ConsumerGroup
	assigned    []int32
	values      map[string]int32
	sessions    int
	connections []net.Conn
	crashed     bool
	cancel      context.CancelFunc
}

func join(r run, topic string, options ...option) *member {
	m := &member{values: map[string]int32{}}
	c := config(append([]option{func(c *sarama.Config) {
		c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, m
		c.Consumer.Group.Session.Timeout = 6 * time.Second
		c.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	}}, options...)...)
	m.ConsumerGroup = feats.Must(sarama.NewConsumerGroup([]string{r.Bootstrap}, r.Name("group"), c))
	var alive context.Context
	alive, m.cancel = context.WithCancel(r)
	go func() {
		for alive.Err() == nil {
			if errors.Is(m.Consume(alive, []string{topic}, m), sarama.ErrClosedConsumerGroup) {
				return
			}
		}
	}()
	return m
}

// Dial makes m its own proxy.Dialer.
func (m *member) Dial(network, address string) (net.Conn, error) {
	m.Lock()
	defer m.Unlock()
	if m.crashed {
		return nil, errors.New("this member has crashed")
	}
	connection, err := net.Dial(network, address)
	m.connections = append(m.connections, connection)
	return connection, err
}

// crash cuts every connection: no LeaveGroup, no heartbeat any more.
func (m *member) crash() {
	m.Lock()
	defer m.Unlock()
	m.crashed = true
	m.cancel()
	for _, connection := range m.connections {
		connection.Close()
	}
}

func (m *member) leave() {
	m.cancel()
	feats.OK(m.Close())
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	m.Lock()
	defer m.Unlock()
	m.sessions++
	m.assigned = nil
	for _, partitions := range session.Claims() {
		m.assigned = slices.Clone(partitions)
	}
	slices.Sort(m.assigned)
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.Lock()
	defer m.Unlock()
	m.assigned = nil
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case record, open := <-claim.Messages():
			if !open {
				return nil
			}
			m.Lock()
			m.values[string(record.Value)] = record.Partition
			m.Unlock()
			session.MarkMessage(record, "")
		case <-session.Context().Done():
			return nil
		}
	}
}

func (m *member) partitions() []int32 {
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
		all := map[int32]bool{}
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
	t := topic(r, "topic", 6, nil)
	members := []*member{join(r, t), join(r, t), join(r, t)}
	awaitShares(r, 2, members...)
	if third != stays {
		began := time.Now()
		if third == crashes {
			members[2].crash()
		} else {
			members[2].leave()
		}
		members = members[:2]
		awaitShares(r, 3, members...)
		feats.Check(third == leaves || time.Since(began) > 4*time.Second, "a crash was noticed after only %v", time.Since(began))
	}
	var messages []*sarama.ProducerMessage
	for i := range 60 {
		messages = append(messages, &sarama.ProducerMessage{Topic: t, Partition: int32(i % 6), Value: sarama.StringEncoder(text(i))})
	}
	feats.OK(send(r, messages, manual))
	for _, m := range members {
		feats.Await(r, func() bool { return m.count() == 60/len(members) })
		for _, partition := range m.values {
			feats.Check(slices.Contains(m.partitions(), partition), "a record of partition %d", partition)
		}
	}
	for _, m := range members {
		m.leave()
	}
}

func instance(id string) option {
	return func(c *sarama.Config) { c.Consumer.Group.InstanceId = id }
}

func staticMember(r run) {
	t := topic(r, "topic", 6, nil)
	one, two, three := join(r, t, instance("one")), join(r, t, instance("two")), join(r, t, instance("three"))
	awaitShares(r, 2, one, two, three)
	before, sessions := three.partitions(), one.sessions+two.sessions
	three.leave()
	returned := join(r, t, instance("three"))
	feats.Await(r, func() bool { return slices.Equal(before, returned.partitions()) })
	feats.Equal(sessions, one.sessions+two.sessions)
	a := admin(r)
	defer a.Close()
	var instances []string
	for _, each := range described(r, a).Members {
		instances = append(instances, *each.GroupInstanceId)
	}
	slices.Sort(instances)
	feats.Equal([]string{"one", "three", "two"}, instances)
	removed := feats.Must(a.RemoveMemberFromConsumerGroup(r.Name("group"), []string{"three"}))
	feats.Equal(sarama.ErrNoError, removed.Err)
	for _, m := range []*member{one, two, returned} {
		m.leave()
	}
}

func balancer(r run, chosen sarama.BalanceStrategy, expected string) {
	t := topic(r, "topic", 6, nil)
	strategy := func(c *sarama.Config) { c.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{chosen} }
	one, two := join(r, t, strategy), join(r, t, strategy)
	awaitShares(r, 3, one, two)
	shares := []string{fmt.Sprint(one.partitions()), fmt.Sprint(two.partitions())}
	slices.Sort(shares)
	feats.Check(expected == "" || shares[0]+shares[1] == expected, "assigned %v", shares)
	a := admin(r)
	defer a.Close()
	feats.Equal(chosen.Name(), described(r, a).Protocol)
	one.leave()
	two.leave()
}

func described(r run, a sarama.ClusterAdmin) *sarama.GroupDescription {
	return feats.Must(a.DescribeConsumerGroups([]string{r.Name("group")}))[0]
}

func commit(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 30)
	c := feats.Must(sarama.NewClient([]string{r.Bootstrap}, config()))
	defer c.Close()
	for _, expected := range []int64{0, 10, 20} {
		offsets := feats.Must(sarama.NewOffsetManagerFromClient(r.Name("group"), c))
		partition := feats.Must(offsets.ManagePartition(t, 0))
		next, _ := partition.NextOffset()
		if expected == 0 {
			next = 0
		}
		feats.Equal(expected, next)
		records := readFrom(r, t, 0, next, 10)
		partition.MarkOffset(records[9].Offset+1, "so far")
		feats.OK(partition.Close())
		feats.OK(offsets.Close())
		feats.Equal(expected+10, committedOffset(r, t))
	}
	m := join(r, t)
	feats.Await(r, func() bool { return len(m.partitions()) == 1 })
	feats.Equal(0, m.count())
	m.leave()
}

func committedOffset(r run, topic string) int64 {
	a := admin(r)
	defer a.Close()
	offsets := feats.Must(a.ListConsumerGroupOffsets(r.Name("group"), map[string][]int32{topic: {0}}))
	return offsets.GetBlock(topic, 0).Offset
}

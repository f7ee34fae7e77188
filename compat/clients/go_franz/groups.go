package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"odradek.test/feats"
)

type ending int

const (
	stays ending = iota
	leaves
	crashes
)

const sessionTimeout = 6 * time.Second

// member polls on a goroutine of its own; every connection it makes can be cut.
type member struct {
	*kgo.Client
	sync.Mutex
	assigned    []int32
	values      map[string]int32
	revocations int
	connections []net.Conn
	crashed     bool
}

func join(r run, topic string, options ...kgo.Opt) *member {
	m := &member{values: map[string]int32{}}
	m.Client = client(r, append([]kgo.Opt{
		kgo.ConsumerGroup(r.Name("group")), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(300 * time.Millisecond), kgo.Dialer(m.dial),
		kgo.OnPartitionsAssigned(m.onAssigned), kgo.OnPartitionsRevoked(m.onRevoked), kgo.OnPartitionsLost(m.onRevoked),
	}, options...)...)
	go m.poll(r)
	return m
}

func (m *member) poll(r run) {
	for {
		fetches := m.PollFetches(r)
		if fetches.IsClientClosed() || r.Err() != nil {
			return
		}
		m.Lock()
		for _, record := range fetches.Records() {
			m.values[string(record.Value)] = record.Partition
		}
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

func (m *member) onAssigned(_ context.Context, _ *kgo.Client, added map[string][]int32) {
	m.Lock()
	defer m.Unlock()
	for _, partitions := range added {
		m.assigned = append(m.assigned, partitions...)
	}
	slices.Sort(m.assigned)
}

func (m *member) onRevoked(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	m.Lock()
	defer m.Unlock()
	m.revocations++
	for _, partitions := range lost {
		m.assigned = slices.DeleteFunc(m.assigned, func(each int32) bool { return slices.Contains(partitions, each) })
	}
}

func (m *member) partitions() []int32 {
	m.Lock()
	defer m.Unlock()
	return slices.Clone(m.assigned)
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

func groupOfThree(r run, third ending, options ...kgo.Opt) {
	t := topic(r, "topic", 6, nil)
	members := []*member{join(r, t, options...), join(r, t, options...), join(r, t, options...)}
	awaitShares(r, 2, members...)
	if third != stays {
		began := time.Now()
		if third == crashes {
			members[2].crash()
		} else {
			members[2].Close()
		}
		members = members[:2]
		awaitShares(r, 3, members...)
		feats.Check(third == leaves || time.Since(began) > 4*time.Second, "a crash was noticed after only %v", time.Since(began))
	}
	p := client(r, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer p.Close()
	for i := range 60 {
		feats.OK(p.ProduceSync(r, &kgo.Record{Topic: t, Partition: int32(i % 6), Value: value(i)}).FirstErr())
	}
	for _, m := range members {
		feats.Await(r, func() bool {
			m.Lock()
			defer m.Unlock()
			return len(m.values) == 60/len(members)
		})
		for _, partition := range m.values {
			feats.Check(slices.Contains(m.partitions(), partition), "a record of partition %d", partition)
		}
	}
	for _, m := range members {
		m.Close()
	}
}

func staticMember(r run) {
	t := topic(r, "topic", 6, nil)
	one := join(r, t, kgo.InstanceID("one"))
	two := join(r, t, kgo.InstanceID("two"))
	three := join(r, t, kgo.InstanceID("three"))
	awaitShares(r, 2, one, two, three)
	before, revocations := three.partitions(), one.revocations+two.revocations
	three.Close()
	returned := join(r, t, kgo.InstanceID("three"))
	feats.Await(r, func() bool { return slices.Equal(before, returned.partitions()) })
	feats.Equal(revocations, one.revocations+two.revocations)
	a := admin(r)
	defer a.Close()
	group := feats.Must(a.DescribeGroups(r, r.Name("group")))[r.Name("group")]
	var instances []string
	for _, each := range group.Members {
		instances = append(instances, *each.InstanceID)
	}
	slices.Sort(instances)
	feats.Equal([]string{"one", "three", "two"}, instances)
	left := feats.Must(a.LeaveGroup(r, kadm.LeaveGroup(r.Name("group")).InstanceIDs("three")))
	feats.OK(left.Error())
	for _, m := range []*member{one, two, returned} {
		m.Close()
	}
}

func balancer(r run, protocol string, chosen kgo.GroupBalancer, expected string) {
	t := topic(r, "topic", 6, nil)
	one, two := join(r, t, kgo.Balancers(chosen)), join(r, t, kgo.Balancers(chosen))
	awaitShares(r, 3, one, two)
	shares := []string{fmt.Sprint(one.partitions()), fmt.Sprint(two.partitions())}
	slices.Sort(shares)
	feats.Check(expected == "" || shares[0]+shares[1] == expected, "assigned %v", shares)
	a := admin(r)
	defer a.Close()
	feats.Equal(protocol, feats.Must(a.DescribeGroups(r, r.Name("group")))[r.Name("group")].Protocol)
	one.Close()
	two.Close()
}

func consumerProtocol(r run) {
	groupOfThree(r, leaves, kgo.ServerSideBalancer())
	a := admin(r)
	defer a.Close()
	group := feats.Must(a.DescribeConsumerGroups(r, r.Name("group")))[r.Name("group")]
	feats.OK(group.Err)
	feats.Equal("uniform", group.AssignorName)
}

func commit(r run) {
	t := topic(r, "topic", 1, nil)
	produce(r, t, 30)
	for _, expected := range []int64{0, 10, 20} {
		c := client(r, kgo.ConsumerGroup(r.Name("group")), kgo.ConsumeTopics(t), kgo.DisableAutoCommit(),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
		records := read(r, c, 10)
		feats.Equal(expected, records[0].Offset)
		feats.OK(c.CommitRecords(r, records...))
		c.Close()
		offset, _ := committedOffset(r, r.Name("group"), t)
		feats.Equal(expected+10, offset)
	}
}

func committedOffset(r run, group, topic string) (int64, bool) {
	a := admin(r)
	defer a.Close()
	offset, known := feats.Must(a.FetchOffsets(r, group)).Lookup(topic, 0)
	return offset.At, known
}

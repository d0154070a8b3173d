package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	serverpb "github.com/siderolabs/discovery-api/api/v1alpha1/server/pb"
	"google.golang.org/grpc"
)

// openConcurrency is how many watchers are opened, or sessions held, at a time.
const openConcurrency = 16

// watchers are open watches, and the changes that they have yet to see.
type watchers struct {
	target      *target
	clusters    int
	affiliates  int
	perCluster  []int
	connections []*grpc.ClientConn
	cancel      context.CancelFunc
	ctx         context.Context

	delivered atomic.Int64
	mu        sync.Mutex
	failure   error
	closing   bool
	expected  map[change]*delivery
}

type change struct {
	cluster, affiliate int
	sequence           uint64
}

// delivery is a change on its way.
type delivery struct {
	left atomic.Int64
	done chan struct{}
}

// watch opens watchers, spread over connections and clusters, and waits until each has its snapshot.
func (t *target) watch(c command) (answer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watchers{
		target: t, clusters: c.WatchedClusters, affiliates: c.Affiliates, perCluster: make([]int, c.WatchedClusters),
		ctx: ctx, cancel: cancel, expected: map[change]*delivery{},
	}
	t.watchers = w

	for range c.Connections {
		conn, err := t.dial()
		if err != nil {
			return answer{}, err
		}

		w.connections = append(w.connections, conn)
	}

	started := time.Now()
	errs := make([]error, c.Count)
	slots := make(chan struct{}, openConcurrency)

	var wait sync.WaitGroup

	for i := range c.Count {
		cluster := i % c.WatchedClusters
		w.perCluster[cluster]++

		slots <- struct{}{}

		wait.Go(func() {
			errs[i] = w.start(i, cluster)
			<-slots
		})
	}

	wait.Wait()

	return answer{Operations: c.Count, Seconds: time.Since(started).Seconds()}, errors.Join(errs...)
}

func (w *watchers) start(number, cluster int) error {
	api := serverpb.NewClusterClient(w.connections[number%len(w.connections)])
	who := newClient()

	if err := hello(api, who, cluster); err != nil {
		return err
	}

	// The watch lives on: its end is the end of all watchers.
	ctx, cancel := context.WithCancel(who.ctx)
	context.AfterFunc(w.ctx, cancel)

	stream, err := api.Watch(ctx, &serverpb.WatchRequest{ClusterId: clusterID(cluster)})
	if err != nil {
		return err
	}

	first, err := stream.Recv()
	if err != nil {
		return err
	}

	if err := w.target.checkAll(cluster, w.affiliates, first.GetAffiliates()); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}

	seen := make([]uint64, w.affiliates)
	for i := range seen {
		seen[i] = w.target.sequence(cluster, i)
	}

	go w.read(stream, cluster, seen)

	return nil
}

// read follows one watch. Every change must come, once and in order.
func (w *watchers) read(stream serverpb.Cluster_WatchClient, cluster int, seen []uint64) {
	for {
		message, err := stream.Recv()
		if err != nil {
			w.fail(fmt.Errorf("a watch has ended: %w", err))

			return
		}

		if message.GetDeleted() {
			w.fail(errors.New("a watch tells of a delete that was none"))

			return
		}

		for _, affiliate := range message.GetAffiliates() {
			if err := w.take(affiliate, cluster, seen); err != nil {
				w.fail(err)

				return
			}
		}
	}
}

func (w *watchers) take(affiliate *serverpb.Affiliate, cluster int, seen []uint64) error {
	id := affiliate.GetId()
	if len(id) < 3 {
		return fmt.Errorf("a watch tells of %q", id)
	}

	number, err := strconv.Atoi(id[len(id)-3:])
	if err != nil || number >= len(seen) || id != affiliateID(cluster, number) {
		return fmt.Errorf("a watch tells of %q", id)
	}

	sequence := sequenceOf(affiliate.GetData())
	if sequence != seen[number]+1 {
		return fmt.Errorf("affiliate %d: change %d after %d", number, sequence, seen[number])
	}

	seen[number] = sequence

	if err := checkAffiliate(affiliate, cluster, number, sequence); err != nil {
		return err
	}

	w.mu.Lock()
	d := w.expected[change{cluster, number, sequence}]
	w.mu.Unlock()

	if d == nil {
		return fmt.Errorf("affiliate %d: change %d was told too often", number, sequence)
	}

	w.delivered.Add(1)

	if d.left.Add(-1) == 0 {
		close(d.done)
	}

	return nil
}

// publish makes changes, `concurrency` at a time, each of them until all watchers of its cluster have seen it.
func (t *target) publish(c command) (answer, error) {
	w := t.watchers
	if w == nil {
		return answer{}, errors.New("no watchers are open")
	}

	w.delivered.Store(0)

	var made atomic.Int64

	expected := 0
	deadline := time.Now().Add(callLimit)

	if c.LimitMs > 0 {
		deadline = time.Now().Add(time.Duration(c.LimitMs) * time.Millisecond)
	}

	tookMs := make([]float64, c.Count)

	a, err := t.work(c.Count, c.Concurrency, func(api serverpb.ClusterClient, who client, job int) error {
		if c.LimitMs > 0 && time.Now().After(deadline) {
			return nil
		}

		// Changes under way are of different affiliates, of different clusters where there are several.
		cluster, affiliate := job%w.clusters, job/w.clusters%w.affiliates
		began := time.Now()

		if err := w.change(api, who, cluster, affiliate); err != nil {
			return err
		}

		tookMs[made.Add(1)-1] = milliseconds(time.Since(began))

		w.mu.Lock()
		expected += w.perCluster[cluster]
		w.mu.Unlock()

		return nil
	})
	if err != nil {
		return a, err
	}

	a = summary(tookMs[:made.Load()], time.Duration(a.Seconds*float64(time.Second)))
	a.Delivered = int(w.delivered.Load())

	if a.Delivered != expected {
		return a, fmt.Errorf("%d changes were delivered, not %d", a.Delivered, expected)
	}

	w.mu.Lock()
	defer w.mu.Unlock()

	return a, w.failure
}

func (w *watchers) change(api serverpb.ClusterClient, who client, cluster, affiliate int) error {
	sequence := w.target.nextSequence(cluster, affiliate)
	key := change{cluster, affiliate, sequence}
	d := &delivery{done: make(chan struct{})}
	d.left.Store(int64(w.perCluster[cluster]))

	w.mu.Lock()
	w.expected[key] = d
	w.mu.Unlock()

	if err := update(api, who, cluster, affiliate, sequence); err != nil {
		return err
	}

	select {
	case <-d.done:
	case <-time.After(callLimit):
		w.mu.Lock()
		defer w.mu.Unlock()

		return fmt.Errorf("%d watchers have not seen a change (%w)", d.left.Load(), w.failure)
	}

	w.mu.Lock()
	delete(w.expected, key)
	w.mu.Unlock()

	return nil
}

func (w *watchers) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()

	if w.failure == nil && !w.closing {
		w.failure = err
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()

	w.cancel()

	for _, conn := range w.connections {
		conn.Close() //nolint:errcheck // nothing is lost
	}
}

// sessions connects, says Hello, watches until the snapshot is there, and hangs up, over and over.
func (t *target) sessions(c command) (answer, error) {
	return t.work(c.Count, c.Concurrency, func(_ serverpb.ClusterClient, _ client, job int) error {
		conn, err := t.dial()
		if err != nil {
			return err
		}

		defer conn.Close() //nolint:errcheck // nothing is lost

		api := serverpb.NewClusterClient(conn)
		who := newClient()
		cluster := c.FirstCluster + job%c.Clusters

		if err := hello(api, who, cluster); err != nil {
			return err
		}

		ctx, cancel := context.WithTimeout(who.ctx, callLimit)
		defer cancel()

		stream, err := api.Watch(ctx, &serverpb.WatchRequest{ClusterId: clusterID(cluster)})
		if err != nil {
			return err
		}

		first, err := stream.Recv()
		if err != nil {
			return err
		}

		return t.checkAll(cluster, c.Affiliates, first.GetAffiliates())
	})
}

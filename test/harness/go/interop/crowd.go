package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	clientpb "github.com/siderolabs/discovery-api/api/v1alpha1/client/pb"
	serverpb "github.com/siderolabs/discovery-api/api/v1alpha1/server/pb"
	"github.com/siderolabs/discovery-client/pkg/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

const (
	crowdReportInterval = 5 * time.Second
	keptLosses          = 20
)

// crowdConfig is the first line that a crowd reads.
type crowdConfig struct {
	nodeConfig
	// NodeIDs are the members, each a client with a connection of its own.
	NodeIDs []string `json:"nodeIds"`
}

type crowdCommand struct {
	// Do is round: from now on all must do again what makes a client complete.
	Do string `json:"do"`
}

// crowdEvent is what a crowd says every few seconds, and once when a round is complete.
type crowdEvent struct {
	// Event is progress or complete.
	Event string `json:"event"`
	// Round counts from 0.
	Round int `json:"round"`
	// ElapsedMs is the time since the round began; the longest that any client has waited, if it is complete.
	ElapsedMs int64 `json:"elapsedMs"`
	// MedianMs is how long half of the clients that are complete waited.
	MedianMs int64 `json:"medianMs"`

	Connected int `json:"connected"`
	Watching  int `json:"watching"`
	Published int `json:"published"`
	SeeAll    int `json:"seeAll"`
	Complete  int `json:"complete"`

	// Failures counts calls that failed in this round, by method, code and message.
	Failures map[string]int `json:"failures"`
	// Losses are the first of those who were seen leaving since the crowd was complete for the first time.
	Losses    []string `json:"losses"`
	LossCount int      `json:"lossCount"`
}

// crowd is many clients of one cluster in one process.
type crowd struct {
	lines  *lines
	places map[string]int

	mu sync.Mutex
	// Guarded by mu, as are all members.
	members  []*member
	round    int
	began    time.Time
	told     bool
	failures map[string]int
	// closed is set with the first complete round: from then on nobody may leave.
	closed    bool
	losses    []string
	lossCount int
}

// member is one client. What it has done counts for the present round only.
type member struct {
	crowd     *crowd
	place     int
	nodeID    string
	discovery *client.Client

	connected   bool
	published   bool
	watch       *crowdWatch
	affiliates  int
	completedAt time.Time
}

// crowdWatch is a stream of one member and whom it has told.
type crowdWatch struct {
	grpc.ClientStream

	member *member
	round  int
	begun  bool
	known  []bool
	count  int
}

func runCrowd(lines *lines) error {
	var config crowdConfig

	if err := lines.read(&config); err != nil {
		return err
	}

	c := &crowd{lines: lines, places: map[string]int{}, began: time.Now(), failures: map[string]int{}}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	for place, nodeID := range config.NodeIDs {
		c.places[nodeID] = place

		one, err := c.newMember(config.nodeConfig, place, nodeID)
		if err != nil {
			return err
		}

		c.members = append(c.members, one)
	}

	for _, one := range c.members {
		go one.run(ctx)
	}

	go c.reportRegularly(ctx)

	for {
		var command crowdCommand

		if err := lines.read(&command); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}

			return err
		}

		if command.Do != "round" {
			return fmt.Errorf("unknown command %q", command.Do)
		}

		c.beginRound()
	}
}

func (c *crowd) newMember(config nodeConfig, place int, nodeID string) (*member, error) {
	one := &member{crowd: c, place: place, nodeID: nodeID}
	config.NodeID = nodeID

	var err error

	one.discovery, err = newDiscoveryClient(config,
		grpc.WithChainUnaryInterceptor(one.interceptUnary),
		grpc.WithChainStreamInterceptor(one.interceptStream),
	)
	if err != nil {
		return nil, err
	}

	address := fmt.Sprintf("10.77.%d.%d", place/256, place%256)

	packed, err := packAddress(address)
	if err != nil {
		return nil, err
	}

	endpoint, err := packEndpoint(address + ":51820")
	if err != nil {
		return nil, err
	}

	affiliate := &clientpb.Affiliate{
		NodeId:          nodeID,
		Addresses:       [][]byte{packed},
		Hostname:        fmt.Sprintf("member-%d", place),
		Nodename:        fmt.Sprintf("member-%d", place),
		MachineType:     "worker",
		OperatingSystem: "Talos (v1.15.0)",
		Kubespan:        &clientpb.KubeSpan{PublicKey: strings.Repeat("k", 44), Address: packed},
	}

	return one, one.discovery.SetLocalData(&client.Affiliate{Affiliate: affiliate, Endpoints: []*clientpb.Endpoint{endpoint}}, nil)
}

func (one *member) run(ctx context.Context) {
	notifications := make(chan struct{}, 1)

	go func() {
		for range notifications {
			one.look()
		}
	}()

	if err := one.discovery.Run(ctx, zap.NewNop(), notifications); err != nil {
		fmt.Fprintf(os.Stderr, "interop crowd: %s: %v\n", one.nodeID, err)
	}
}

// look counts what the client itself says, when it may say something new: while the crowd fills, only at the end.
func (one *member) look() {
	c := one.crowd

	c.mu.Lock()
	worthwhile := c.closed || (one.watch != nil && one.watch.count == len(c.members)-1)
	c.mu.Unlock()

	if !worthwhile {
		return
	}

	affiliates := len(one.discovery.GetAffiliates())

	c.mu.Lock()
	defer c.mu.Unlock()

	if c.closed && affiliates < len(c.members)-1 {
		c.lose(fmt.Sprintf("%s lists %d others", one.nodeID, affiliates))
	}

	one.affiliates = affiliates
	c.settle(one)
}

func (one *member) interceptUnary(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	c := one.crowd

	c.mu.Lock()
	round := c.round
	c.mu.Unlock()

	err := invoke(ctx, method, request, reply, conn, options...)

	c.mu.Lock()
	defer c.mu.Unlock()

	// An answer to a call of the round before says nothing about this one.
	if round != c.round {
		return err
	}

	if err != nil {
		c.fail(method, err)

		return err
	}

	switch request := request.(type) {
	case *serverpb.HelloRequest:
		one.connected = true
	case *serverpb.AffiliateUpdateRequest:
		if request.GetAffiliateId() == one.nodeID && len(request.GetAffiliateData()) > 0 {
			one.published = true
		}
	}

	c.settle(one)

	return nil
}

func (one *member) interceptStream(ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	c := one.crowd

	c.mu.Lock()
	watch := &crowdWatch{member: one, round: c.round, known: make([]bool, len(c.members))}
	c.mu.Unlock()

	stream, err := open(ctx, description, conn, method, options...)
	if err != nil {
		c.mu.Lock()
		c.fail(method, err)
		c.mu.Unlock()

		return nil, err
	}

	watch.ClientStream = stream

	return watch, nil
}

// RecvMsg takes down what the service tells the client.
func (w *crowdWatch) RecvMsg(message any) error {
	err := w.ClientStream.RecvMsg(message)
	one, c := w.member, w.member.crowd

	c.mu.Lock()
	defer c.mu.Unlock()

	if err != nil {
		if one.watch == w {
			one.watch = nil
		}

		c.fail("Watch", err)

		return err
	}

	if response, ok := message.(*serverpb.WatchResponse); ok {
		w.take(response)
		one.watch = w
		c.settle(one)
	}

	return nil
}

func (w *crowdWatch) take(response *serverpb.WatchResponse) {
	c := w.member.crowd

	for _, affiliate := range response.GetAffiliates() {
		place, ours := c.places[affiliate.GetId()]
		if !ours || place == w.member.place {
			continue
		}

		switch {
		case response.GetDeleted():
			if w.known[place] {
				w.known[place] = false
				w.count--
			}

			if c.closed {
				c.lose(fmt.Sprintf("%s was told that %s has left", w.member.nodeID, affiliate.GetId()))
			}
		case len(affiliate.GetData()) > 0 && !w.known[place]:
			w.known[place] = true
			w.count++
		}
	}

	// A client replaces what it knows by the first message, which has room for all of a crowd.
	if !w.begun && c.closed && w.count < len(c.members)-1 {
		c.lose(fmt.Sprintf("%s was told of %d others at first", w.member.nodeID, w.count))
	}

	w.begun = true
}

// seesAll is whether the service, by the present watch, and then the client have listed all others.
func (one *member) seesAll() bool {
	others := len(one.crowd.members) - 1

	return one.watch != nil && one.watch.count == others && one.affiliates == others
}

func (one *member) isWatching() bool {
	return one.watch != nil && one.watch.round == one.crowd.round
}

// settle notes that a member is complete, and says so when it was the last.
func (c *crowd) settle(one *member) {
	if one.completedAt.IsZero() && one.connected && one.published && one.isWatching() && one.seesAll() {
		one.completedAt = time.Now()
	}

	if c.told || one.completedAt.IsZero() {
		return
	}

	event := c.summary()
	if event.Complete < len(c.members) {
		return
	}

	event.Event = "complete"
	c.told = true
	c.closed = true
	c.lines.write(event)
}

func (c *crowd) summary() crowdEvent {
	event := crowdEvent{
		Event:     "progress",
		Round:     c.round,
		ElapsedMs: time.Since(c.began).Milliseconds(),
		Failures:  c.failures,
		Losses:    append([]string{}, c.losses...),
		LossCount: c.lossCount,
	}
	waits := []int64{}

	for _, one := range c.members {
		count(one.connected, &event.Connected)
		count(one.isWatching(), &event.Watching)
		count(one.published, &event.Published)
		count(one.seesAll(), &event.SeeAll)

		if !one.completedAt.IsZero() {
			waits = append(waits, one.completedAt.Sub(c.began).Milliseconds())
		}
	}

	event.Complete = len(waits)

	if len(waits) > 0 {
		slices.Sort(waits)

		event.MedianMs = waits[len(waits)/2]
	}

	return event
}

func count(holds bool, counter *int) {
	if holds {
		*counter++
	}
}

func (c *crowd) beginRound() {
	c.mu.Lock()
	defer c.mu.Unlock()

	c.round++
	c.began = time.Now()
	c.told = false
	c.failures = map[string]int{}

	for _, one := range c.members {
		one.connected, one.published, one.affiliates = false, false, 0
		one.completedAt = time.Time{}
	}
}

func (c *crowd) fail(method string, err error) {
	found := status.Convert(err)
	c.failures[fmt.Sprintf("%s: %s: %s", method[strings.LastIndex(method, "/")+1:], found.Code(), shortened(found.Message()))]++
}

// shortened leaves out what is different in each message: ports and what follows.
func shortened(message string) string {
	before, _, _ := strings.Cut(message, "127.0.0.1:")

	return before
}

func (c *crowd) lose(what string) {
	c.lossCount++

	if len(c.losses) < keptLosses {
		c.losses = append(c.losses, what)
	}
}

func (c *crowd) reportRegularly(ctx context.Context) {
	ticker := time.NewTicker(crowdReportInterval)
	defer ticker.Stop()

	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.mu.Lock()
			event := c.summary()
			c.lines.write(event)
			c.mu.Unlock()
		}
	}
}

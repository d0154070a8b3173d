package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math"
	"net/netip"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	serverpb "github.com/siderolabs/discovery-api/api/v1alpha1/server/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// callLimit is a guard against a service that hangs; no figure depends on it.
const callLimit = 60 * time.Second

// callsPerClient is how many calls one virtual client makes: below the 60 that the services let through at once.
const callsPerClient = 20

// target is one service: the connections to it, and what is known to be in it.
type target struct {
	endpoint string
	caFile   string

	connections []*grpc.ClientConn
	watchers    *watchers

	mu sync.Mutex
	// sequences are the latest contents of each affiliate, by cluster and affiliate.
	sequences map[[2]int]uint64
}

func newTarget(endpoint, caFile string) *target {
	return &target{endpoint: endpoint, caFile: caFile, sequences: map[[2]int]uint64{}}
}

func (t *target) dial() (*grpc.ClientConn, error) {
	transport := insecure.NewCredentials()

	if t.caFile != "" {
		pem, err := os.ReadFile(t.caFile)
		if err != nil {
			return nil, err
		}

		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s: no certificate", t.caFile)
		}

		transport = credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	}

	return grpc.NewClient(
		"passthrough:///"+t.endpoint,
		grpc.WithTransportCredentials(transport),
		grpc.WithDisableServiceConfig(),
	)
}

// clients counts those of all services and cases: none must meet the rate limit that another one has used up.
var clients atomic.Uint32

// client is a caller of its own to the service: an address that no other has.
type client struct {
	ctx     context.Context
	address netip.Addr
}

func newClient() client {
	n := clients.Add(1)
	address := netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})

	return client{
		ctx:     metadata.AppendToOutgoingContext(context.Background(), "x-real-ip", address.String()),
		address: address,
	}
}

// open makes connections and brings each up with one call.
func (t *target) open(c command) (answer, error) {
	for range c.Connections {
		conn, err := t.dial()
		if err != nil {
			return answer{}, err
		}

		t.connections = append(t.connections, conn)

		if err := hello(serverpb.NewClusterClient(conn), newClient(), 0); err != nil {
			return answer{}, err
		}
	}

	return answer{Operations: c.Connections}, nil
}

func (t *target) close() (answer, error) {
	if t.watchers != nil {
		t.watchers.close()
		t.watchers = nil
	}

	for _, conn := range t.connections {
		conn.Close() //nolint:errcheck // nothing is lost
	}

	t.connections = nil

	return answer{}, nil
}

// work has `count` jobs done by `concurrency` workers; a worker is a virtual client that becomes another one now and then.
func (t *target) work(count, concurrency int, do func(api serverpb.ClusterClient, who client, job int) error) (answer, error) {
	if len(t.connections) == 0 {
		return answer{}, fmt.Errorf("no connection is open")
	}

	var (
		next   atomic.Int64
		failed atomic.Pointer[error]
		wait   sync.WaitGroup
	)

	tookMs := make([]float64, count)
	started := time.Now()

	for worker := range concurrency {
		wait.Go(func() {
			api := serverpb.NewClusterClient(t.connections[worker%len(t.connections)])

			var who client

			for calls := 0; failed.Load() == nil; calls++ {
				job := int(next.Add(1)) - 1
				if job >= count {
					return
				}

				if calls%callsPerClient == 0 {
					who = newClient()
				}

				began := time.Now()

				if err := do(api, who, job); err != nil {
					failed.CompareAndSwap(nil, &err)
				}

				tookMs[job] = milliseconds(time.Since(began))
			}
		})
	}

	wait.Wait()

	if err := failed.Load(); err != nil {
		return answer{}, *err
	}

	return summary(tookMs, time.Since(started)), nil
}

func summary(tookMs []float64, total time.Duration) answer {
	sort.Float64s(tookMs)

	return answer{
		Operations: len(tookMs),
		Seconds:    total.Seconds(),
		P50Ms:      quantile(tookMs, 0.5),
		P99Ms:      quantile(tookMs, 0.99),
	}
}

func quantile(sorted []float64, fraction float64) float64 {
	if len(sorted) == 0 {
		return 0
	}

	return sorted[int(math.Round(float64(len(sorted)-1)*fraction))]
}

func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	serverpb "github.com/siderolabs/discovery-api/api/v1alpha1/server/pb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

// probeConfig is the first line that a probe reads.
type probeConfig struct {
	// Endpoint is host:port of the service.
	Endpoint string `json:"endpoint"`
	// CAFile turns TLS on: the one authority to be trusted.
	CAFile string `json:"caFile"`
	// MaxReceiveBytes replaces gRPC's usual limit of 4 MiB.
	MaxReceiveBytes int `json:"maxReceiveBytes"`
	// KeepaliveMs is the interval of pings, also without calls; gRPC raises it to 10 s.
	KeepaliveMs int64 `json:"keepaliveMs"`
	// Gzip compresses every request and accepts compressed answers.
	Gzip bool `json:"gzip"`
}

type probeCommand struct {
	ID int `json:"id"`
	// Do is hello, update, delete, list, watch, cancel or resume (of a watch), fill, redial or raw.
	Do string `json:"do"`

	ClusterID     string            `json:"clusterId"`
	AffiliateID   string            `json:"affiliateId"`
	ClientVersion string            `json:"clientVersion"`
	Data          []byte            `json:"data"`
	Endpoints     [][]byte          `json:"endpoints"`
	TTLMs         *int64            `json:"ttlMs"`
	Metadata      map[string]string `json:"metadata"`
	TimeoutMs     int64             `json:"timeoutMs"`
	// Brief leaves the affiliates themselves out of the answer.
	Brief bool `json:"brief"`

	// Hold makes a watch read nothing after its first message before it is resumed.
	Hold bool `json:"hold"`

	// Of raw: the full method and the encoded request.
	Method string `json:"method"`
	Body   []byte `json:"body"`

	// Of fill: affiliates to create, and their shape. Of redial: connections to make.
	Count         int `json:"count"`
	DataBytes     int `json:"dataBytes"`
	EndpointCount int `json:"endpointCount"`
	EndpointBytes int `json:"endpointBytes"`
}

type probeAnswer struct {
	ID int `json:"id"`
	// Event is answer (of a call), message or end (of a watch).
	Event   string      `json:"event"`
	Code    string      `json:"code,omitempty"`
	Message string      `json:"message,omitempty"`
	Header  metadata.MD `json:"header,omitempty"`
	Trailer metadata.MD `json:"trailer,omitempty"`

	ClientIP       string            `json:"clientIp,omitempty"`
	Redirect       string            `json:"redirect,omitempty"`
	Affiliates     []sealedAffiliate `json:"affiliates,omitempty"`
	AffiliateCount int               `json:"affiliateCount"`
	Deleted        bool              `json:"deleted,omitempty"`
	MessageBytes   int               `json:"messageBytes"`
	Dials          int               `json:"dials,omitempty"`
	Body           []byte            `json:"body,omitempty"`
}

type sealedAffiliate struct {
	ID        string   `json:"id"`
	Data      []byte   `json:"data"`
	Endpoints [][]byte `json:"endpoints"`
}

type probe struct {
	lines   *lines
	config  probeConfig
	conn    *grpc.ClientConn
	cluster serverpb.ClusterClient

	mu      sync.Mutex
	cancels map[int]context.CancelFunc
	holds   map[int]chan struct{}
}

func runProbe(lines *lines) error {
	var config probeConfig

	if err := lines.read(&config); err != nil {
		return err
	}

	conn, err := dial(config)
	if err != nil {
		return err
	}

	defer conn.Close()

	p := &probe{lines: lines, config: config, conn: conn, cluster: serverpb.NewClusterClient(conn), cancels: map[int]context.CancelFunc{}, holds: map[int]chan struct{}{}}

	for {
		var command probeCommand

		if err := lines.read(&command); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}

			return err
		}

		if p.steer(command) {
			continue
		}

		ctx, cancel := callContext(command)

		p.mu.Lock()
		p.cancels[command.ID] = cancel

		if command.Hold {
			p.holds[command.ID] = make(chan struct{})
		}
		p.mu.Unlock()

		go func() {
			defer cancel()

			p.do(ctx, command)
		}()
	}
}

// steer obeys a command that is about a call under way; false for others.
func (p *probe) steer(command probeCommand) bool {
	p.mu.Lock()
	defer p.mu.Unlock()

	switch command.Do {
	case "cancel":
		p.cancels[command.ID]()
	case "resume":
		close(p.holds[command.ID])
	default:
		return false
	}

	return true
}

func dial(config probeConfig) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}

	if config.CAFile != "" {
		roots, err := readRoots(config.CAFile)
		if err != nil {
			return nil, err
		}

		options[0] = grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
	}

	if config.Gzip {
		registerGzip()

		options = append(options, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzipName)))
	}

	if config.MaxReceiveBytes > 0 {
		options = append(options, grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(config.MaxReceiveBytes)))
	}

	if config.KeepaliveMs > 0 {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                time.Duration(config.KeepaliveMs) * time.Millisecond,
			PermitWithoutStream: true,
		}))
	}

	return grpc.NewClient(config.Endpoint, options...)
}

func callContext(command probeCommand) (context.Context, context.CancelFunc) {
	ctx := context.Background()

	if len(command.Metadata) > 0 {
		ctx = metadata.NewOutgoingContext(ctx, metadata.New(command.Metadata))
	}

	if command.TimeoutMs > 0 {
		return context.WithTimeout(ctx, time.Duration(command.TimeoutMs)*time.Millisecond)
	}

	return context.WithCancel(ctx)
}

func (p *probe) do(ctx context.Context, command probeCommand) {
	answer := probeAnswer{ID: command.ID, Event: "answer"}
	options := []grpc.CallOption{grpc.Header(&answer.Header), grpc.Trailer(&answer.Trailer)}

	var err error

	switch command.Do {
	case "hello":
		var response *serverpb.HelloResponse

		request := &serverpb.HelloRequest{ClusterId: command.ClusterID, ClientVersion: command.ClientVersion}
		if response, err = p.cluster.Hello(ctx, request, options...); err == nil {
			answer.Redirect = response.GetRedirect().GetEndpoint()
			answer.ClientIP, err = clientAddress(response.GetClientIp())
		}
	case "update":
		_, err = p.cluster.AffiliateUpdate(ctx, updateRequest(command), options...)
	case "delete":
		request := &serverpb.AffiliateDeleteRequest{ClusterId: command.ClusterID, AffiliateId: command.AffiliateID}
		_, err = p.cluster.AffiliateDelete(ctx, request, options...)
	case "list":
		var response *serverpb.ListResponse

		if response, err = p.cluster.List(ctx, &serverpb.ListRequest{ClusterId: command.ClusterID}, options...); err == nil {
			answer.describe(command, response, response.GetAffiliates())
		}
	case "watch":
		p.watch(ctx, command)

		return
	case "fill":
		answer.AffiliateCount, err = p.fill(ctx, command)
	case "redial":
		answer.Dials, err = p.redial(ctx, command)
	case "raw":
		err = p.conn.Invoke(ctx, command.Method, command.Body, &answer.Body, append(options, grpc.ForceCodecV2(rawCodec{}))...)
	default:
		err = fmt.Errorf("unknown command %q", command.Do)
	}

	answer.conclude(err)
	p.lines.write(answer)
}

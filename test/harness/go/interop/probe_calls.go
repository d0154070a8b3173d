package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	serverpb "github.com/siderolabs/discovery-api/api/v1alpha1/server/pb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// fillWorkers is how many updates of a fill are under way at once.
const fillWorkers = 16

// watch reports each message, then the status with which the stream ended.
func (p *probe) watch(ctx context.Context, command probeCommand) {
	end := probeAnswer{ID: command.ID, Event: "end"}

	p.mu.Lock()
	hold := p.holds[command.ID]
	p.mu.Unlock()

	stream, err := p.cluster.Watch(ctx, &serverpb.WatchRequest{ClusterId: command.ClusterID})
	for err == nil {
		var response *serverpb.WatchResponse

		if response, err = stream.Recv(); err == nil {
			message := probeAnswer{ID: command.ID, Event: "message", Deleted: response.GetDeleted()}
			message.describe(command, response, response.GetAffiliates())
			p.lines.write(message)

			if hold != nil {
				<-hold

				hold = nil
			}
		}
	}

	if stream != nil {
		end.Trailer = stream.Trailer()
	}

	if errors.Is(err, io.EOF) {
		err = nil
	}

	end.conclude(err)
	p.lines.write(end)
}

// fill creates affiliates of random bytes. Each update claims an address of its own, where the service trusts that.
func (p *probe) fill(ctx context.Context, command probeCommand) (int, error) {
	numbers := make(chan int)
	failures := make(chan error, fillWorkers)

	var workers sync.WaitGroup

	for range fillWorkers {
		workers.Go(func() {
			for number := range numbers {
				if err := p.fillOne(ctx, command, number); err != nil {
					failures <- err

					return
				}
			}
		})
	}

	var failure error

	created := 0

	for ; created < command.Count && failure == nil; created++ {
		select {
		case numbers <- created:
		case failure = <-failures:
		}
	}

	close(numbers)
	workers.Wait()

	select {
	case failure = <-failures:
	default:
	}

	return created, failure
}

// redial makes connections one after the other, each for a Hello. It ends with the first that fails.
func (p *probe) redial(ctx context.Context, command probeCommand) (int, error) {
	for made := range command.Count {
		conn, err := dial(p.config)
		if err != nil {
			return made, err
		}

		request := &serverpb.HelloRequest{ClusterId: command.ClusterID}
		_, err = serverpb.NewClusterClient(conn).Hello(ctx, request)

		conn.Close()

		if err != nil {
			return made, err
		}
	}

	return command.Count, nil
}

func (p *probe) fillOne(ctx context.Context, command probeCommand, number int) error {
	one := command
	one.AffiliateID = fmt.Sprintf("affiliate-%04d", number)
	one.Data = random(command.DataBytes)

	for range command.EndpointCount {
		one.Endpoints = append(one.Endpoints, random(command.EndpointBytes))
	}

	address := netip.AddrFrom4([4]byte(append([]byte{10}, random(3)...)))
	ctx = metadata.AppendToOutgoingContext(ctx, "x-real-ip", address.String())
	_, err := p.cluster.AffiliateUpdate(ctx, updateRequest(one))

	return err
}

func updateRequest(command probeCommand) *serverpb.AffiliateUpdateRequest {
	request := &serverpb.AffiliateUpdateRequest{
		ClusterId:          command.ClusterID,
		AffiliateId:        command.AffiliateID,
		AffiliateData:      command.Data,
		AffiliateEndpoints: command.Endpoints,
	}

	if command.TTLMs != nil {
		request.Ttl = durationpb.New(time.Duration(*command.TTLMs) * time.Millisecond)
	}

	return request
}

func random(size int) []byte {
	bytes := make([]byte, size)
	rand.Read(bytes)

	return bytes
}

func clientAddress(packed []byte) (string, error) {
	if len(packed) == 0 {
		return "", nil
	}

	return addressOf(packed)
}

func (a *probeAnswer) describe(command probeCommand, response proto.Message, affiliates []*serverpb.Affiliate) {
	a.AffiliateCount = len(affiliates)
	a.MessageBytes = proto.Size(response)

	if command.Brief {
		return
	}

	for _, affiliate := range affiliates {
		a.Affiliates = append(a.Affiliates, sealedAffiliate{ID: affiliate.GetId(), Data: affiliate.GetData(), Endpoints: affiliate.GetEndpoints()})
	}
}

func (a *probeAnswer) conclude(err error) {
	a.Code = status.Code(err).String()
	a.Message = status.Convert(err).Message()

	if status.Code(err) == codes.OK {
		a.Message = ""
	}
}

// rawCodec sends bytes as they are.
type rawCodec struct{}

func (rawCodec) Name() string { return "proto" }

func (rawCodec) Marshal(value any) (mem.BufferSlice, error) {
	body, ok := value.([]byte)
	if !ok {
		return nil, fmt.Errorf("raw codec: %T", value)
	}

	return mem.BufferSlice{mem.SliceBuffer(body)}, nil
}

func (rawCodec) Unmarshal(data mem.BufferSlice, value any) error {
	body, ok := value.(*[]byte)
	if !ok {
		return fmt.Errorf("raw codec: %T", value)
	}

	*body = data.Materialize()

	return nil
}

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	serverpb "github.com/siderolabs/discovery-api/api/v1alpha1/server/pb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// The shape of an affiliate as nodes publish it: sealed data, and as many endpoints as a node with two addresses in each
// family has, of which IPv4 ones take one block and IPv6 ones two.
const (
	dataBytes     = 300
	ttl           = 30 * time.Minute
	clientVersion = "v1.15.0"
)

var endpointBytes = [...]int{16, 16, 32, 32}

func clusterID(cluster int) string {
	return fmt.Sprintf("YmVuY2htYXJrLWNsdXN0ZXItb2YtMzItYnl0ZXM%05d", cluster)
}

func affiliateID(cluster, affiliate int) string {
	return fmt.Sprintf("7x1SuC8Ege5BGXdAfTEff5iQnlWZLfv9h1LGM%05d%03d", cluster%100_000, affiliate)
}

// dataOf is what an affiliate holds after a change: of all changes no two have the same.
func dataOf(cluster, affiliate int, sequence uint64) []byte {
	data := make([]byte, dataBytes)
	state := uint64(cluster)<<40 ^ uint64(affiliate)<<24 ^ sequence

	for at := 0; at < len(data); at += 8 {
		// SplitMix64: bytes that look sealed, made again by whoever checks them.
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb

		var word [8]byte

		binary.LittleEndian.PutUint64(word[:], z^z>>31)
		copy(data[at:], word[:])
	}

	binary.BigEndian.PutUint64(data, sequence)

	return data
}

func sequenceOf(data []byte) uint64 {
	if len(data) < 8 {
		return 0
	}

	return binary.BigEndian.Uint64(data)
}

func endpointsOf(cluster, affiliate int) [][]byte {
	endpoints := make([][]byte, len(endpointBytes))

	for i, size := range endpointBytes {
		endpoints[i] = dataOf(cluster, affiliate, uint64(i))[8 : 8+size]
	}

	return endpoints
}

func update(api serverpb.ClusterClient, who client, cluster, affiliate int, sequence uint64) error {
	ctx, cancel := context.WithTimeout(who.ctx, callLimit)
	defer cancel()

	_, err := api.AffiliateUpdate(ctx, &serverpb.AffiliateUpdateRequest{
		ClusterId:          clusterID(cluster),
		AffiliateId:        affiliateID(cluster, affiliate),
		AffiliateData:      dataOf(cluster, affiliate, sequence),
		AffiliateEndpoints: endpointsOf(cluster, affiliate),
		Ttl:                durationpb.New(ttl),
	})

	return err
}

// hello checks that the service takes the caller for the client that it says it is: else all would share one limit.
func hello(api serverpb.ClusterClient, who client, cluster int) error {
	ctx, cancel := context.WithTimeout(who.ctx, callLimit)
	defer cancel()

	response, err := api.Hello(ctx, &serverpb.HelloRequest{ClusterId: clusterID(cluster), ClientVersion: clientVersion})
	if err != nil {
		return err
	}

	if seen, ok := netip.AddrFromSlice(response.GetClientIp()); !ok || seen != who.address {
		return fmt.Errorf("hello: the service sees %v, not %v", seen, who.address)
	}

	return nil
}

func list(api serverpb.ClusterClient, who client, cluster int) ([]*serverpb.Affiliate, error) {
	ctx, cancel := context.WithTimeout(who.ctx, callLimit)
	defer cancel()

	response, err := api.List(ctx, &serverpb.ListRequest{ClusterId: clusterID(cluster)})

	return response.GetAffiliates(), err
}

// fill publishes every affiliate of the clusters once.
func (t *target) fill(c command) (answer, error) {
	return t.work(c.Clusters*c.Affiliates, c.Concurrency, func(api serverpb.ClusterClient, who client, job int) error {
		cluster, affiliate := c.FirstCluster+job%c.Clusters, job/c.Clusters

		return t.change(api, who, cluster, affiliate)
	})
}

// change publishes new data of an affiliate, and notes it.
func (t *target) change(api serverpb.ClusterClient, who client, cluster, affiliate int) error {
	sequence := t.nextSequence(cluster, affiliate)

	return update(api, who, cluster, affiliate, sequence)
}

func (t *target) nextSequence(cluster, affiliate int) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()

	t.sequences[[2]int{cluster, affiliate}]++

	return t.sequences[[2]int{cluster, affiliate}]
}

func (t *target) sequence(cluster, affiliate int) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()

	return t.sequences[[2]int{cluster, affiliate}]
}

// calls makes unary calls on the open connections.
func (t *target) calls(c command) (answer, error) {
	return t.work(c.Count, c.Concurrency, func(api serverpb.ClusterClient, who client, job int) error {
		// Jobs under way at one time are of different affiliates: the order of two changes of one would be open.
		cluster, affiliate := job%c.Clusters, job/c.Clusters%c.Affiliates

		switch c.Method {
		case "hello":
			return hello(api, who, cluster)
		case "update":
			return t.change(api, who, cluster, affiliate)
		case "refresh":
			return update(api, who, cluster, affiliate, t.sequence(cluster, affiliate))
		case "list":
			affiliates, err := list(api, who, cluster)
			if err == nil && len(affiliates) != c.Affiliates {
				err = fmt.Errorf("list: %d affiliates, not %d", len(affiliates), c.Affiliates)
			}

			return err
		default:
			return fmt.Errorf("unknown method %q", c.Method)
		}
	})
}

// verify compares all that the service holds with what was published.
func (t *target) verify(c command) (answer, error) {
	return t.work(c.Clusters, c.Concurrency, func(api serverpb.ClusterClient, who client, job int) error {
		cluster := c.FirstCluster + job

		affiliates, err := list(api, who, cluster)
		if err != nil {
			return err
		}

		return t.checkAll(cluster, c.Affiliates, affiliates)
	})
}

// checkAll compares a snapshot of a cluster with what was published.
func (t *target) checkAll(cluster, count int, affiliates []*serverpb.Affiliate) error {
	if len(affiliates) != count {
		return fmt.Errorf("cluster %d: %d affiliates, not %d", cluster, len(affiliates), count)
	}

	byID := make(map[string]*serverpb.Affiliate, count)
	for _, affiliate := range affiliates {
		byID[affiliate.GetId()] = affiliate
	}

	for i := range count {
		affiliate := byID[affiliateID(cluster, i)]
		if affiliate == nil {
			return fmt.Errorf("cluster %d: affiliate %d is missing", cluster, i)
		}

		if err := checkAffiliate(affiliate, cluster, i, t.sequence(cluster, i)); err != nil {
			return err
		}
	}

	return nil
}

func checkAffiliate(affiliate *serverpb.Affiliate, cluster, number int, sequence uint64) error {
	if string(affiliate.GetData()) != string(dataOf(cluster, number, sequence)) {
		return fmt.Errorf("cluster %d, affiliate %d: not the data of change %d", cluster, number, sequence)
	}

	expected := endpointsOf(cluster, number)
	if len(affiliate.GetEndpoints()) != len(expected) {
		return errors.New("an affiliate with other endpoints")
	}

	for i, endpoint := range affiliate.GetEndpoints() {
		if string(endpoint) != string(expected[i]) {
			return errors.New("an affiliate with other endpoints")
		}
	}

	return nil
}

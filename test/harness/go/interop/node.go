package main

import (
	"context"
	"crypto/aes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"sort"
	"time"

	"github.com/siderolabs/discovery-client/pkg/client"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
)

// nodeConfig is the first line that a node reads.
type nodeConfig struct {
	// Endpoint is host:port of the service.
	Endpoint      string `json:"endpoint"`
	ClusterID     string `json:"clusterId"`
	ClusterSecret string `json:"clusterSecret"`
	NodeID        string `json:"nodeId"`
	ClientVersion string `json:"clientVersion"`
	TTLMs         int64  `json:"ttlMs"`
	// CAFile turns TLS on: the one authority to be trusted.
	CAFile string `json:"caFile"`
	// Gzip compresses every request.
	Gzip bool `json:"gzip"`
}

type nodeCommand struct {
	// Do is publish, withdraw, report or stop.
	Do             string           `json:"do"`
	Affiliate      affiliate        `json:"affiliate"`
	Endpoints      []string         `json:"endpoints"`
	OtherEndpoints []otherEndpoints `json:"otherEndpoints"`
}

type otherEndpoints struct {
	NodeID    string   `json:"nodeId"`
	Endpoints []string `json:"endpoints"`
}

type nodeEvent struct {
	// Event is affiliates or stopped.
	Event         string      `json:"event"`
	Affiliates    []affiliate `json:"affiliates"`
	PublicAddress string      `json:"publicAddress,omitempty"`
	Error         string      `json:"error,omitempty"`
}

func runNode(lines *lines) error {
	var config nodeConfig

	if err := lines.read(&config); err != nil {
		return err
	}

	discovery, err := newDiscoveryClient(config)
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.Lock(os.Stderr), zapcore.DebugLevel))
	notifications := make(chan struct{}, 1)
	stopped := make(chan error, 1)

	go func() { stopped <- discovery.Run(ctx, logger, notifications) }()

	commands := make(chan nodeCommand)

	go func() {
		defer close(commands)

		for {
			var command nodeCommand

			if err := lines.read(&command); err != nil {
				if !errors.Is(err, io.EOF) {
					fmt.Fprintln(os.Stderr, "interop node:", err)
				}

				return
			}

			commands <- command
		}
	}()

	for {
		select {
		case err := <-stopped:
			event := nodeEvent{Event: "stopped"}
			if err != nil {
				event.Error = err.Error()
			}

			lines.write(event)

			return nil
		case <-notifications:
			if err := report(lines, discovery); err != nil {
				return err
			}
		case command, open := <-commands:
			if !open {
				cancel()

				commands = nil

				continue
			}

			if err := obey(lines, discovery, command, cancel); err != nil {
				return err
			}
		}
	}
}

func newDiscoveryClient(config nodeConfig, dialOptions ...grpc.DialOption) (*client.Client, error) {
	key, err := base64.StdEncoding.DecodeString(config.ClusterSecret)
	if err != nil {
		return nil, err
	}

	cipher, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}

	options := client.Options{
		Cipher:        cipher,
		Endpoint:      config.Endpoint,
		ClusterID:     config.ClusterID,
		AffiliateID:   config.NodeID,
		ClientVersion: config.ClientVersion,
		TTL:           time.Duration(config.TTLMs) * time.Millisecond,
		Insecure:      config.CAFile == "",
		DialOptions:   dialOptions,
	}

	if config.Gzip {
		registerGzip()

		options.DialOptions = append(options.DialOptions, grpc.WithDefaultCallOptions(grpc.UseCompressor(gzipName)))
	}

	if config.CAFile != "" {
		roots, err := readRoots(config.CAFile)
		if err != nil {
			return nil, err
		}

		options.TLSConfig = func() *tls.Config { return &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12} }
	}

	return client.NewClient(options)
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}

	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no certificate", path)
	}

	return roots, nil
}

func obey(lines *lines, discovery *client.Client, command nodeCommand, cancel context.CancelFunc) error {
	switch command.Do {
	case "publish":
		message, err := command.Affiliate.message()
		if err != nil {
			return err
		}

		own, err := convert(command.Endpoints, packEndpoint)
		if err != nil {
			return err
		}

		others, err := convert(command.OtherEndpoints, func(other otherEndpoints) (client.Endpoint, error) {
			endpoints, err := convert(other.Endpoints, packEndpoint)

			return client.Endpoint{AffiliateID: other.NodeID, Endpoints: endpoints}, err
		})
		if err != nil {
			return err
		}

		return discovery.SetLocalData(&client.Affiliate{Affiliate: message, Endpoints: own}, others)
	case "withdraw":
		discovery.DeleteLocalAffiliate()

		return nil
	case "report":
		return report(lines, discovery)
	case "stop":
		cancel()

		return nil
	default:
		return fmt.Errorf("unknown command %q", command.Do)
	}
}

func report(lines *lines, discovery *client.Client) error {
	event := nodeEvent{Event: "affiliates", Affiliates: []affiliate{}}

	for _, found := range discovery.GetAffiliates() {
		text, err := affiliateOf(found.Affiliate, found.Endpoints)
		if err != nil {
			return err
		}

		event.Affiliates = append(event.Affiliates, text)
	}

	sort.Slice(event.Affiliates, func(i, j int) bool { return event.Affiliates[i].NodeID < event.Affiliates[j].NodeID })

	if publicIP := discovery.GetPublicIP(); len(publicIP) > 0 {
		var address netip.Addr

		if err := address.UnmarshalBinary(publicIP); err != nil {
			return err
		}

		event.PublicAddress = address.String()
	}

	lines.write(event)

	return nil
}

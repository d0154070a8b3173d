package main

import (
	"fmt"
	"net/netip"

	clientpb "github.com/siderolabs/discovery-api/api/v1alpha1/client/pb"
)

// affiliate is a node as text, with the keys of the test vectors.
type affiliate struct {
	NodeID          string        `json:"nodeId,omitempty"`
	Addresses       []string      `json:"addresses,omitempty"`
	Hostname        string        `json:"hostname,omitempty"`
	Nodename        string        `json:"nodename,omitempty"`
	MachineType     string        `json:"machineType,omitempty"`
	OperatingSystem string        `json:"operatingSystem,omitempty"`
	KubeSpan        *kubeSpan     `json:"kubespan,omitempty"`
	ControlPlane    *controlPlane `json:"controlPlane,omitempty"`
	Endpoints       []string      `json:"endpoints,omitempty"`
}

type kubeSpan struct {
	PublicKey                 string   `json:"publicKey,omitempty"`
	Address                   string   `json:"address,omitempty"`
	AdditionalAddresses       []string `json:"additionalAddresses,omitempty"`
	ExcludeAdvertisedNetworks []string `json:"excludeAdvertisedNetworks,omitempty"`
}

type controlPlane struct {
	Port uint32 `json:"port"`
}

func (a affiliate) message() (*clientpb.Affiliate, error) {
	addresses, err := convert(a.Addresses, packAddress)
	if err != nil {
		return nil, err
	}

	message := &clientpb.Affiliate{
		NodeId:          a.NodeID,
		Addresses:       addresses,
		Hostname:        a.Hostname,
		Nodename:        a.Nodename,
		MachineType:     a.MachineType,
		OperatingSystem: a.OperatingSystem,
	}

	if a.ControlPlane != nil {
		message.ControlPlane = &clientpb.ControlPlane{ApiServerPort: a.ControlPlane.Port}
	}

	if a.KubeSpan != nil {
		message.Kubespan = &clientpb.KubeSpan{PublicKey: a.KubeSpan.PublicKey}

		if a.KubeSpan.Address != "" {
			if message.Kubespan.Address, err = packAddress(a.KubeSpan.Address); err != nil {
				return nil, err
			}
		}

		if message.Kubespan.AdditionalAddresses, err = convert(a.KubeSpan.AdditionalAddresses, packPrefix); err != nil {
			return nil, err
		}

		if message.Kubespan.ExcludeAdvertisedAddresses, err = convert(a.KubeSpan.ExcludeAdvertisedNetworks, packPrefix); err != nil {
			return nil, err
		}
	}

	return message, nil
}

func affiliateOf(message *clientpb.Affiliate, endpoints []*clientpb.Endpoint) (affiliate, error) {
	a := affiliate{
		NodeID:          message.GetNodeId(),
		Hostname:        message.GetHostname(),
		Nodename:        message.GetNodename(),
		MachineType:     message.GetMachineType(),
		OperatingSystem: message.GetOperatingSystem(),
	}

	var err error

	if a.Addresses, err = convert(message.GetAddresses(), addressOf); err != nil {
		return a, err
	}

	if a.Endpoints, err = convert(endpoints, endpointOf); err != nil {
		return a, err
	}

	if message.GetControlPlane() != nil {
		a.ControlPlane = &controlPlane{Port: message.GetControlPlane().GetApiServerPort()}
	}

	if span := message.GetKubespan(); span != nil {
		a.KubeSpan = &kubeSpan{PublicKey: span.GetPublicKey()}

		if len(span.GetAddress()) > 0 {
			if a.KubeSpan.Address, err = addressOf(span.GetAddress()); err != nil {
				return a, err
			}
		}

		if a.KubeSpan.AdditionalAddresses, err = convert(span.GetAdditionalAddresses(), prefixOf); err != nil {
			return a, err
		}

		if a.KubeSpan.ExcludeAdvertisedNetworks, err = convert(span.GetExcludeAdvertisedAddresses(), prefixOf); err != nil {
			return a, err
		}
	}

	return a, nil
}

func convert[From, To any](from []From, one func(From) (To, error)) ([]To, error) {
	to := make([]To, 0, len(from))

	for _, item := range from {
		converted, err := one(item)
		if err != nil {
			return nil, err
		}

		to = append(to, converted)
	}

	return to, nil
}

func packAddress(text string) ([]byte, error) {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return nil, err
	}

	return address.MarshalBinary()
}

func addressOf(packed []byte) (string, error) {
	var address netip.Addr

	if err := address.UnmarshalBinary(packed); err != nil {
		return "", err
	}

	return address.String(), nil
}

func packPrefix(text string) (*clientpb.IPPrefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, err
	}

	ip, err := prefix.Addr().MarshalBinary()

	return &clientpb.IPPrefix{Ip: ip, Bits: uint32(prefix.Bits())}, err
}

func prefixOf(packed *clientpb.IPPrefix) (string, error) {
	address, err := addressOf(packed.GetIp())

	return fmt.Sprintf("%s/%d", address, packed.GetBits()), err
}

func packEndpoint(text string) (*clientpb.Endpoint, error) {
	endpoint, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}

	ip, err := endpoint.Addr().MarshalBinary()

	return &clientpb.Endpoint{Ip: ip, Port: uint32(endpoint.Port())}, err
}

func endpointOf(packed *clientpb.Endpoint) (string, error) {
	var address netip.Addr

	if err := address.UnmarshalBinary(packed.GetIp()); err != nil {
		return "", err
	}

	return netip.AddrPortFrom(address, uint16(packed.GetPort())).String(), nil
}

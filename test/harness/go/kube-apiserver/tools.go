//go:build tools

// Package kubeapiserver pins the API server that the tests of the chart and the manifests run against.
package kubeapiserver

import _ "k8s.io/kubernetes/cmd/kube-apiserver"

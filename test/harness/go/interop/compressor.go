package main

import (
	"compress/gzip"
	"io"

	"google.golang.org/grpc/encoding"
)

const gzipName = "gzip"

// registerGzip makes this process able to compress, and to say so in grpc-accept-encoding. gRPC's own package registers
// itself when it is imported; real nodes do not import it, so neither do these programs unless they are asked to.
func registerGzip() {
	encoding.RegisterCompressor(gzipCompressor{})
}

type gzipCompressor struct{}

func (gzipCompressor) Name() string { return gzipName }

func (gzipCompressor) Compress(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }

func (gzipCompressor) Decompress(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }

// Command interop is the Go side of the interop tests: a node that runs the public discovery client, a crowd of many
// such nodes, a probe that calls a service through the public stubs, the base62 of node identities, and a maker of
// test certificates. They are driven by JSON lines: commands on stdin, events on stdout, diagnostics on stderr.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("usage: interop node | crowd | probe | base62 | certificates FOLDER")
	}

	switch args[0] {
	case "node":
		return runNode(newLines(os.Stdin, os.Stdout))
	case "crowd":
		return runCrowd(newLines(os.Stdin, os.Stdout))
	case "probe":
		return runProbe(newLines(os.Stdin, os.Stdout))
	case "base62":
		return runBase62(newLines(os.Stdin, os.Stdout))
	case "certificates":
		if len(args) != 2 {
			return errors.New("usage: interop certificates FOLDER")
		}

		return writeCertificates(args[1])
	default:
		return fmt.Errorf("unknown program %q", args[0])
	}
}

// lines reads commands and writes events, one JSON value a line.
type lines struct {
	in  *bufio.Reader
	mu  sync.Mutex
	out *json.Encoder
}

func newLines(in io.Reader, out io.Writer) *lines {
	return &lines{in: bufio.NewReaderSize(in, 1<<20), out: json.NewEncoder(out)}
}

// read fills value from the next line; io.EOF when the other side has closed.
func (l *lines) read(value any) error {
	line, err := l.in.ReadBytes('\n')
	if err != nil {
		return err
	}

	return json.Unmarshal(line, value)
}

// write emits one event; safe for concurrent use.
func (l *lines) write(event any) {
	l.mu.Lock()
	defer l.mu.Unlock()

	if err := l.out.Encode(event); err != nil {
		fmt.Fprintln(os.Stderr, "interop: write:", err)
		os.Exit(1)
	}
}

// Command load makes load for a discovery service, and checks what the service delivers. It is driven by JSON lines: a
// command on stdin, one answer on stdout when it is done. The driver reads the service's CPU time between two commands,
// so what prepares a measurement and what is measured are separate commands.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// command is one line of input.
type command struct {
	ID int `json:"id"`
	// Do is open, fill, calls, verify, sessions, watch, publish or close.
	Do string `json:"do"`

	// Endpoint is host:port of the service.
	Endpoint string `json:"endpoint"`
	// CAFile turns TLS on: the one authority to be trusted.
	CAFile string `json:"caFile"`

	// Method is hello, update, refresh or list, of calls.
	Method string `json:"method"`
	// Count is how many calls, sessions, changes or watchers.
	Count int `json:"count"`
	// Connections are those to open, or to spread watchers over.
	Connections int `json:"connections"`
	// Concurrency is how many calls, sessions or changes are under way at a time.
	Concurrency int `json:"concurrency"`
	// FirstCluster is the number of the first cluster, of fill, verify and sessions.
	FirstCluster int `json:"firstCluster"`
	// Clusters, and Affiliates of each.
	Clusters   int `json:"clusters"`
	Affiliates int `json:"affiliates"`
	// WatchedClusters are the clusters over which watchers and changes are spread.
	WatchedClusters int `json:"watchedClusters"`
	// LimitMs ends publish early, after the changes under way.
	LimitMs int64 `json:"limitMs"`
}

// answer is one line of output.
type answer struct {
	ID    int    `json:"id"`
	Error string `json:"error,omitempty"`
	// Operations were done, and Delivered changes were seen by watchers, each of them checked.
	Operations int     `json:"operations"`
	Delivered  int     `json:"delivered"`
	Seconds    float64 `json:"seconds"`
	// P50Ms and P99Ms are how long an operation took: of publish, until the last watcher had the change.
	P50Ms float64 `json:"p50Ms"`
	P99Ms float64 `json:"p99Ms"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	reader := bufio.NewReader(in)
	encoder := json.NewEncoder(out)
	targets := map[string]*target{}

	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}

		if err != nil {
			return err
		}

		var c command

		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}

		t := targets[c.Endpoint]
		if t == nil {
			t = newTarget(c.Endpoint, c.CAFile)
			targets[c.Endpoint] = t
		}

		a, err := t.obey(c)
		if err != nil {
			a.Error = err.Error()
		}

		if c.Do == "close" {
			delete(targets, c.Endpoint)
		}

		a.ID = c.ID

		if err := encoder.Encode(a); err != nil {
			return err
		}
	}
}

func (t *target) obey(c command) (answer, error) {
	switch c.Do {
	case "open":
		return t.open(c)
	case "fill":
		return t.fill(c)
	case "calls":
		return t.calls(c)
	case "verify":
		return t.verify(c)
	case "sessions":
		return t.sessions(c)
	case "watch":
		return t.watch(c)
	case "publish":
		return t.publish(c)
	case "close":
		return t.close()
	default:
		return answer{}, fmt.Errorf("unknown command %q", c.Do)
	}
}

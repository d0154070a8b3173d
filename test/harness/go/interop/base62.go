package main

import (
	"errors"
	"io"

	"github.com/jxskiss/base62"
)

type base62Command struct {
	// Bytes are to be encoded; empty where Text is to be decoded.
	Bytes []byte `json:"bytes"`
	Text  string `json:"text"`
}

type base62Answer struct {
	Bytes []byte `json:"bytes,omitempty"`
	Text  string `json:"text,omitempty"`
	Error string `json:"error,omitempty"`
}

// runBase62 answers each command in order with the library that Talos makes identities with.
func runBase62(lines *lines) error {
	for {
		var command base62Command

		if err := lines.read(&command); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}

			return err
		}

		if len(command.Bytes) > 0 {
			lines.write(base62Answer{Text: base62.EncodeToString(command.Bytes)})

			continue
		}

		var answer base62Answer

		decoded, err := base62.DecodeString(command.Text)
		if err != nil {
			answer.Error = err.Error()
		} else {
			answer.Bytes = decoded
		}

		lines.write(answer)
	}
}

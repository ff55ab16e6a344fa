package measure

import (
	"bytes"
	"fmt"
	"io"
)

// The lines between which a benchmark's pod prints AIPerf's JSON, so that its log
// is all that a comparison needs.
const (
	BeginResult = "-----BEGIN AIPERF RESULT-----"
	EndResult   = "-----END AIPERF RESULT-----"
)

// ReadResults reads an AIPerf export, or a log that holds one or several between
// marker lines. It returns at least one result, in the order of the log.
func ReadResults(r io.Reader) ([]*Result, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	exports, err := extract(b)
	if err != nil {
		return nil, err
	}
	if exports == nil {
		if len(bytes.TrimSpace(b)) > 0 && bytes.TrimSpace(b)[0] != '{' {
			return nil, fmt.Errorf("neither AIPerf's JSON nor a log with the line %s", BeginResult)
		}
		exports = [][]byte{b}
	}
	var results []*Result
	for i, e := range exports {
		result, err := ParseResult(e)
		if err != nil && len(exports) > 1 {
			err = fmt.Errorf("result %d of the log: %w", i+1, err)
		}
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// object cuts off what stands around a JSON object: a shell that echoes its
// commands leaves lines between the markers.
func object(text []byte) []byte {
	begin, end := bytes.IndexByte(text, '{'), bytes.LastIndexByte(text, '}')
	if begin < 0 || end < begin {
		return text
	}
	return text[begin : end+1]
}

// extract returns what stands between marker lines; nil where there are none.
//
// kubectl puts a time or the pod's name in front of every line when asked to. Both
// have the same length on all lines of a pod, so what is in front of the first
// marker tells how much to cut off the lines that follow.
func extract(log []byte) (exports [][]byte, err error) {
	begin := 0 // line of the open marker
	var prefix int
	var export []byte
	n := 0
	for line := range bytes.Lines(log) {
		n++
		text := bytes.TrimRight(line, " \t\r\n")
		switch {
		case bytes.HasSuffix(text, []byte(BeginResult)): // again: the shell echoed its commands, or a pod started anew
			begin, prefix, export = n, len(text)-len(BeginResult), []byte{}
		case begin > 0 && bytes.HasSuffix(text, []byte(EndResult)):
			text = text[:len(text)-len(EndResult)] // AIPerf ends its file without a new line
			export = append(export, text[min(prefix, len(text)):]...)
			exports, begin = append(exports, object(export)), 0
		case begin > 0:
			export = append(export, line[min(prefix, len(line)-1):]...)
		}
	}
	if begin > 0 {
		return nil, fmt.Errorf("line %d begins a result that does not end with %s: the log is cut, or the benchmark still runs", begin, EndResult)
	}
	return exports, nil
}

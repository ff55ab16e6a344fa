package buckettest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// A line fails in one of these ways.
const (
	answers500 = iota // the server is not asked
	answers503        // neither
	cutsBefore        // the connection ends, and the server is not asked
	cutsAfter         // the server has done it, but nobody hears
	cutsWithin        // the answer ends in the middle
	waysToFail        // how many there are
)

// Flaky is a line to a server on which one of OneOf requests fails.
type Flaky struct {
	URL   string
	OneOf int

	target string
	mu     sync.Mutex
	random *rand.Rand
	failed [waysToFail]int
}

// NewFlaky opens a line to the server at the target, a URL without a path.
func NewFlaky(t testing.TB, target string, oneOf int, seed uint64) *Flaky {
	t.Helper()
	f := &Flaky{OneOf: oneOf, target: target, random: rand.New(rand.NewPCG(seed, 0))}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.URL = server.URL
	return f
}

// String counts the failures.
func (f *Flaky) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprintf("%d answers 500, %d answers 503, %d requests cut, %d answers lost, %d answers cut",
		f.failed[answers500], f.failed[answers503], f.failed[cutsBefore], f.failed[cutsAfter], f.failed[cutsWithin])
}

// EveryWay reports whether requests have failed in every way.
func (f *Flaky) EveryWay() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.failed {
		if n == 0 {
			return false
		}
	}
	return true
}

// fate chooses what becomes of a request; waysToFail stands for nothing special.
func (f *Flaky) fate() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random.IntN(f.OneOf) > 0 {
		return waysToFail
	}
	way := f.random.IntN(waysToFail)
	f.failed[way]++
	return way
}

// ServeHTTP implements [http.Handler].
func (f *Flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fate := f.fate()
	switch fate {
	case answers500:
		http.Error(w, "flaky", http.StatusInternalServerError)
		return
	case answers503:
		http.Error(w, "flaky", http.StatusServiceUnavailable)
		return
	case cutsBefore:
		panic(http.ErrAbortHandler)
	}
	answer, body, err := f.ask(r)
	if err != nil || fate == cutsAfter {
		panic(http.ErrAbortHandler)
	}
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	if fate == cutsWithin {
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(body) // a client that is gone
}

// ask brings the request to the server. Its Host stays: it is part of the signature.
func (f *Flaky) ask(r *http.Request) (*http.Response, []byte, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, err
	}
	q, err := http.NewRequestWithContext(r.Context(), r.Method, f.target+r.URL.RequestURI(), bytes.NewReader(sent))
	if err != nil {
		return nil, nil, err
	}
	q.Header, q.Host = r.Header.Clone(), r.Host
	answer, err := http.DefaultTransport.RoundTrip(q)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer, body, err
}

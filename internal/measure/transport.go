package measure

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"servegrid/internal/lazyregexp"
)

// Transport is what the logs of disaggregated workers tell about how the KV cache
// travels. Texts are the first line of their kind, "" where there is none.
type Transport struct {
	Lines        int
	Backend      string // NIXL has UCX, or libfabric, up
	RDMA         string // UCX chose an RDMA transport
	TCP          string // UCX chose TCP
	Refused      string // UCX found no RDMA transport
	LockedMemory string // memory for RDMA could not be locked
}

// RDMAActive reports whether UCX is up and nothing in the log says that it goes
// over TCP alone.
func (t *Transport) RDMAActive() bool { return t.Backend != "" && !t.OnlyTCP() }

// OnlyTCP reports whether the log shows TCP, or refused RDMA transports, and no
// RDMA transport in use.
func (t *Transport) OnlyTCP() bool { return t.RDMA == "" && (t.TCP != "" || t.Refused != "") }

// What the lines look like. NIXL says once that UCX is up; TensorRT-LLM, which
// calls NIXL without its Python layer, has words of its own. UCX warns of
// transports that it lacks (ucp_context.c) and, at UCX_LOG_LEVEL=info, lists the
// lanes of each connection as transport/device (ucp_worker.c). InfiniBand and RoCE
// have the transports rc, dc and ud, EFA has srd; over EFA NIXL may use libfabric
// in place of UCX.
var (
	backendUp    = lazyregexp.New(`\bBackend (?:UCX|LIBFABRIC) was instantiated|\busing NIXL backend: (?:UCX|LIBFABRIC)\b`)
	rdmaLane     = lazyregexp.New(`\b(?:(?:rc|dc|ud)_(?:mlx5|verbs)|gga_mlx5|srd)/[\w.-]+`)
	tcpLane      = lazyregexp.New(`\btcp/[\w.-]+|(?i:\bfalling back to tcp\b)`)
	refused      = lazyregexp.New(`\btransports? .*'(?:rc|dc|ud|ib|srd)\w*'.* not available, please use one or more of: (.*)|(?i:\bno rdma transports? available)`)
	rdmaName     = lazyregexp.New(`\b(?:rc|dc|ud|ib|srd)(?:_|\b)`)
	lockedMemory = lazyregexp.New(`(?i)\bmax locked memory\b|\bibv_reg_\w*mr\b.*(?:cannot allocate memory|operation not permitted)`)
)

// noRDMA reports whether a line says that UCX found no RDMA transport at all. One
// that it lacks is no harm while others are left.
func noRDMA(line []byte) bool {
	m := refused.FindSubmatch(line)
	return m != nil && !rdmaName.Match(m[1])
}

// ReadTransport looks through a log. Of a line longer than 64 KiB it looks at the
// pieces.
func ReadTransport(log io.Reader) (*Transport, error) {
	t := &Transport{}
	r := bufio.NewReaderSize(log, 64<<10)
	for {
		piece, more, err := r.ReadLine()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		if !more {
			t.Lines++
		}
		for _, kind := range []struct {
			match func([]byte) bool
			first *string
		}{{backendUp.Match, &t.Backend}, {rdmaLane.Match, &t.RDMA}, {tcpLane.Match, &t.TCP}, {noRDMA, &t.Refused}, {lockedMemory.Match, &t.LockedMemory}} {
			if *kind.first == "" && kind.match(piece) {
				*kind.first = strings.TrimSpace(string(piece))
			}
		}
	}
}

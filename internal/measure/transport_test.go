package measure

import (
	"bytes"
	"strings"
	"testing"
)

// Lines as workers write them, shortened.
const (
	ucxUp     = "2026-01-02T03:04:05.100Z  INFO nixl_connector: NIXL is available\n2026-01-02 03:04:06 NIXL INFO    _api.py:361 Backend UCX was instantiated\n"
	trtllmUp  = "[TensorRT-LLM][INFO] NixlTransferAgent::NixlTransferAgent using NIXL backend: UCX\n"
	environ   = "[1767323045.1] [decode-0:71:0]  parser.c:2314 UCX  INFO  UCX_* env variables: UCX_TLS=rc_x,rc,dc_x,dc,cuda_copy,cuda_ipc UCX_RNDV_THRESH=0\n"
	rdmaLanes = "[1767323045.2] [decode-0:71:0]  ucp_worker.c:1903 UCX  INFO    ucp_context_2 inter-node cfg#3 rma(rc_mlx5/mlx5_0:1)  am(rc_mlx5/mlx5_0:1 rc_mlx5/mlx5_1:1)\n"
	efaLanes  = "[1767323045.2] [decode-0:71:0]  ucp_worker.c:1903 UCX  INFO    ucp_context_2 self cfg#1 rma_am(srd/rdmap40s0:1) am(srd/rdmap40s0:1)\n"
	tcpLanes  = "[1767323045.2] [decode-0:71:0]  ucp_worker.c:1903 UCX  INFO    ucp_context_2 inter-node cfg#1 rma(tcp/eth0)  am(tcp/eth0)\n"
	noDevice  = "[1767323045.0] [decode-0:71:0]  ucp_context.c:1268 UCX  WARN  transports 'dc','dc_x','rc','rc_x' are not available, please use one or more of: cma, cuda_copy, cuda_ipc, mm, posix, self, shm, sm, sysv, tcp\n"
	noDC      = "[1767323045.0] [decode-0:71:0]  ucp_context.c:1268 UCX  WARN  transports 'dc','dc_x' are not available, please use one or more of: cma, cuda_copy, ib, rc, rc_mlx5, rc_x, self, tcp\n"
	noCUDA    = "[1767323045.0] [decode-0:71:0]  ucp_context.c:1268 UCX  WARN  transports 'cuda_copy','cuda_ipc' are not available, please use one or more of: mm, posix, self, shm, sm, sysv, tcp\n"
	locked    = "[1767323045.0] [decode-0:71:0]  ib_md.c:309 UCX  ERROR ibv_reg_mr(address=0x7f0000000000, length=67108864, access=0xf) failed: Cannot allocate memory\n"
)

func TestReadTransport(t *testing.T) {
	for name, c := range map[string]struct {
		log             string
		active, onlyTCP bool
		rdma, memory    bool // seen
	}{
		"empty":                {log: ""},
		"not a word":           {log: "INFO starting\nINFO ready\n"},
		"up":                   {log: ucxUp, active: true},
		"up, TensorRT-LLM":     {log: trtllmUp, active: true},
		"up, no new line":      {log: strings.TrimSuffix(ucxUp, "\n"), active: true},
		"only what was asked":  {log: environ},
		"up over RDMA":         {log: environ + ucxUp + rdmaLanes, active: true, rdma: true},
		"up over EFA":          {log: ucxUp + efaLanes, active: true, rdma: true},
		"up over libfabric":    {log: "NIXL INFO Backend LIBFABRIC was instantiated\n", active: true},
		"RDMA and TCP":         {log: ucxUp + rdmaLanes + tcpLanes, active: true, rdma: true},
		"up over TCP":          {log: environ + ucxUp + tcpLanes, onlyTCP: true},
		"no device":            {log: noDevice + ucxUp, onlyTCP: true},
		"some RDMA transports": {log: noDC + ucxUp, active: true},
		"no CUDA":              {log: noCUDA + ucxUp, active: true},
		"falls back":           {log: ucxUp + "NIXL INFO falling back to TCP transport\n", onlyTCP: true},
		"RDMA, no proof":       {log: rdmaLanes, rdma: true},
		"no locked memory":     {log: ucxUp + locked, active: true, memory: true},
		"a long line":          {log: strings.Repeat("x", 1<<20) + "\n" + ucxUp, active: true},
	} {
		got, err := ReadTransport(strings.NewReader(c.log))
		if err != nil {
			t.Fatal(err)
		}
		if got.RDMAActive() != c.active || got.OnlyTCP() != c.onlyTCP || (got.RDMA != "") != c.rdma || (got.LockedMemory != "") != c.memory {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func FuzzReadTransport(f *testing.F) {
	f.Add([]byte(environ + noDevice + ucxUp + rdmaLanes + tcpLanes + locked))
	f.Add([]byte(noDC + trtllmUp))
	f.Fuzz(func(t *testing.T, log []byte) {
		got, err := ReadTransport(bytes.NewReader(log))
		if err != nil {
			t.Fatal(err)
		}
		if want := bytes.Count(log, []byte("\n")); got.Lines != want && got.Lines != want+1 {
			t.Errorf("counted %d lines of %d", got.Lines, want)
		}
		if got.RDMAActive() && got.OnlyTCP() {
			t.Errorf("both: %+v", got)
		}
		for _, line := range []string{got.Backend, got.RDMA, got.TCP, got.Refused, got.LockedMemory} {
			if !bytes.Contains(log, []byte(line)) {
				t.Errorf("%q is not in the log", line)
			}
		}
	})
}

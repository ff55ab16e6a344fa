package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"servegrid/internal/measure"
)

// explainLogs says what a worker's log tells about RDMA. That it is not shown to
// be active is an error.
func explainLogs(w io.Writer, name string) error {
	var log io.Reader = os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("--logs: %w", err)
		}
		defer f.Close()
		log = f
	}
	t, err := measure.ReadTransport(log)
	if err != nil {
		return fmt.Errorf("--logs: %w", err)
	}
	if t.Lines == 0 {
		return fmt.Errorf("--logs: %s is empty: want the output of kubectl logs of a prefill or decode worker", name)
	}
	if _, err := io.WriteString(w, judgeTransport(t)); err != nil {
		return err
	}
	switch {
	case t.OnlyTCP():
		return errors.New("RDMA is not active: the KV cache travels over TCP")
	case !t.RDMAActive():
		return errors.New(`no proof of RDMA: no line says "Backend UCX was instantiated"`)
	}
	return nil
}

// judgeTransport words what was found and what to do.
func judgeTransport(t *measure.Transport) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Looked through %d lines.\n", t.Lines)
	found := func(what, line string) {
		if line == "" {
			line = "-"
		}
		line = strings.Map(func(r rune) rune { // logs carry colours
			if strconv.IsPrint(r) {
				return r
			}
			return -1
		}, line)
		const most = 200
		if runes := []rune(line); len(runes) > most {
			line = string(runes[:most]) + "…"
		}
		fmt.Fprintf(&b, "  %-22s %s\n", what, line)
	}
	found("UCX is up", t.Backend)
	found("RDMA transport", t.RDMA)
	found("TCP transport", t.TCP)
	found("no RDMA transport", t.Refused)
	found("memory not locked", t.LockedMemory)
	b.WriteString("\n")
	switch {
	case t.OnlyTCP():
		b.WriteString("Only TCP is in use. Give the workers rdma/ib resources, IPC_LOCK and the UCX variables: servegrid explain rdma\n")
	case t.Backend == "":
		b.WriteString("Nothing shows that UCX came up. Is this the log of a disaggregated worker, from its start (kubectl logs POD, without --tail)?\n" +
			"If so, the engine runs without NIXL, or stopped before: servegrid explain crash-loop, servegrid explain rdma\n")
	case t.RDMA == "":
		b.WriteString("UCX is up and nothing speaks of TCP. To see the transports themselves, set UCX_LOG_LEVEL=info on the workers:\n" +
			"InfiniBand and RoCE show as rc_mlx5 or dc_mlx5, EFA as srd.\n")
	default:
		b.WriteString("UCX is up and uses RDMA.\n")
	}
	if t.LockedMemory != "" {
		b.WriteString("Memory could not be locked for RDMA: the workers need the IPC_LOCK capability.\n")
	}
	return b.String()
}

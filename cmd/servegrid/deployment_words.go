package main

import "fmt"

// deploymentColumns are what [deployment] words, behind the replicas.
var deploymentColumns = []string{"mode", "prefill_workers", "prefill_parallel", "prefill_bs", "decode_workers", "parallel", "bs"}

// deployment words what runs: 2 x (2 x prefill tp1pp1 bs 1 + 1 x decode tp2pp1 bs 152).
func deployment(parts []any) string {
	if parts[1] == "agg" {
		return fmt.Sprintf("%v x %v bs %v", parts[0], parts[6], parts[7])
	}
	replica := fmt.Sprintf("%v x prefill %v bs %v + %v x decode %v bs %v", parts[2], parts[3], parts[4], parts[5], parts[6], parts[7])
	if fmt.Sprint(parts[0]) == "1" {
		return replica
	}
	return fmt.Sprintf("%v x (%s)", parts[0], replica)
}

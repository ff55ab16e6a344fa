package estimator

import "fmt"

// Layout is how one worker is spread over GPUs, in ways.
type Layout struct {
	TP, PP, DP   int // tensor, pipeline and attention data parallel
	MoETP, MoEEP int // tensor and expert parallel sizes of the expert layers
}

// GPUs is the number of GPUs of the worker.
func (l Layout) GPUs() int { return l.TP * l.PP * l.DP }

// String spells the layout in full: tp1pp1dp8etp1ep8. Groups of the ranking are
// ordered by it.
func (l Layout) String() string {
	return fmt.Sprintf("tp%dpp%ddp%detp%dep%d", l.TP, l.PP, l.DP, l.MoETP, l.MoEEP)
}

// Short spells the layout as reports do: a dense worker needs only tp2pp1.
func (l Layout) Short(moe bool) string {
	if moe {
		return l.String()
	}
	return fmt.Sprintf("tp%dpp%d", l.TP, l.PP)
}

package search

import (
	"fmt"
	"slices"

	"servegrid/estimator"
)

// Lists are the sizes that are tried for the workers of a role: GPUs of a worker,
// and the ways of each kind of parallelism. A nil list stands for the one of
// [DefaultLists].
type Lists struct{ GPUs, TP, PP, DP, MoETP, MoEEP []int }

// DefaultLists are the sizes that the reference search tries for a configuration
// (its layout aside) in a role. Wide expert parallelism reaches beyond a node, and
// for dense models the NVLink domain of GB200 does.
// Source: AIConfigurator 0.6.0.
func DefaultLists(c *estimator.Config, role Role) Lists {
	one, powers := []int{1}, []int{1, 2, 4, 8}
	if !c.Model.IsMoE() {
		if c.DB.System.Name == "gb200_sxm" {
			powers = append(powers, 16)
		}
		return Lists{GPUs: powers, TP: powers, PP: one, DP: one, MoETP: one, MoEEP: one}
	}
	l := Lists{GPUs: powers, TP: powers, PP: one, DP: powers, MoETP: powers, MoEEP: powers}
	if c.DB.Backend == "sglang" {
		l.MoEEP = one
	}
	if c.WideEP && c.DB.Backend != "vllm" {
		sizes := []int{1, 2, 4, 8, 16, 32, 64}
		if role == PrefillRole {
			sizes = sizes[:6]
		}
		l.DP, l.MoETP = sizes, one
		if c.DB.Backend == "sglang" {
			sizes = sizes[3:]
		}
		l.GPUs, l.MoEEP = sizes, sizes
	}
	return l
}

// over fills what is missing from the defaults. The default worker sizes must not
// rule out what is asked for: the sizes that the given lists make by themselves
// join them.
func (l Lists) over(def Lists) Lists {
	out := def
	if l.GPUs == nil && (l.TP != nil || l.PP != nil || l.DP != nil) {
		out.GPUs = slices.Clone(def.GPUs)
		for _, tp := range orOne(l.TP) {
			for _, pp := range orOne(l.PP) {
				for _, dp := range orOne(l.DP) {
					out.GPUs = append(out.GPUs, tp*pp*dp)
				}
			}
		}
		slices.Sort(out.GPUs)
		out.GPUs = slices.Compact(out.GPUs)
	}
	for _, f := range []struct {
		dst   *[]int
		given []int
	}{{&out.GPUs, l.GPUs}, {&out.TP, l.TP}, {&out.PP, l.PP}, {&out.DP, l.DP}, {&out.MoETP, l.MoETP}, {&out.MoEEP, l.MoEEP}} {
		if f.given != nil {
			*f.dst = f.given
		}
	}
	return out
}

func orOne(list []int) []int {
	if list == nil {
		return []int{1}
	}
	return list
}

// Layouts lists the worker layouts that are tried for a configuration (its
// layout aside) in a role by default, in the order of the reference search.
func Layouts(c *estimator.Config, role Role) []estimator.Layout {
	layouts, _ := DefaultLists(c, role).layouts(c)
	return layouts
}

// layouts lists the layouts that whole lists make, in the order of the reference
// search, and says why engines cannot run the others.
func (l Lists) layouts(c *estimator.Config) (possible []estimator.Layout, refused reasons) {
	for _, tp := range l.TP {
		for _, pp := range l.PP {
			for _, dp := range l.DP {
				for _, moeTP := range l.MoETP {
					for _, moeEP := range l.MoEEP {
						layout := estimator.Layout{TP: tp, PP: pp, DP: dp, MoETP: moeTP, MoEEP: moeEP}
						if !slices.Contains(l.GPUs, layout.GPUs()) || c.Model.IsMoE() && tp*dp != moeTP*moeEP {
							continue
						}
						if err := expressible(c, layout); err != nil {
							refused.add(layout, err)
							continue
						}
						possible = append(possible, layout)
					}
				}
			}
		}
	}
	return possible, refused
}

// expressible reports a layout that no settings of the engine make. What vLLM
// cannot do, splitting experts in both ways, [estimator.Compile] leaves without
// figures.
func expressible(c *estimator.Config, l estimator.Layout) error {
	switch backend := c.DB.Backend; {
	case !c.Model.IsMoE():
		if l.DP > 1 || l.MoETP > 1 || l.MoEEP > 1 {
			return fmt.Errorf("%s is dense: dp, moe_tp and moe_ep are 1", c.Model.ID)
		}
	case backend == "trtllm" && l.DP > 1 && l.TP > 1:
		return fmt.Errorf("TensorRT-LLM spreads attention over data parallel or over tensor parallel ranks, not over both")
	case backend == "sglang" && c.WideEP && l.MoETP > 1:
		return fmt.Errorf("SGLang's wide expert parallelism has moe_tp 1")
	case backend == "sglang" && !c.WideEP && l.MoEEP > 1:
		return fmt.Errorf("SGLang has moe_ep 1 without wide expert parallelism")
	}
	return nil
}

// impossible is the error of lists that make no layout.
func (l Lists) impossible(c *estimator.Config, refused reasons) error {
	if len(refused) > 0 {
		return fmt.Errorf("no layout of the lists is possible: %w", refused)
	}
	rule := ""
	if c.Model.IsMoE() {
		rule = fmt.Sprintf(" and tp x dp = moe_tp x moe_ep, of moe_tp %v and moe_ep %v", l.MoETP, l.MoEEP)
	}
	return fmt.Errorf("the lists make no layout: of tp %v, pp %v and dp %v none has tp x pp x dp in num_gpu_per_worker %v%s", l.TP, l.PP, l.DP, l.GPUs, rule)
}

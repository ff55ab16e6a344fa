package main

import "strings"

// laterFlag says of a flag that AIConfigurator had after 0.6.0, up to 0.12.0, what to do
// here instead; "" of a flag that it did not have either.
func laterFlag(name string) string {
	switch name {
	case "target-request-rate", "target-concurrency":
		return "servegrid recommend finds the fewest GPUs that carry a load"
	case "enable-chunked-prefill":
		return "--search exhaustive looks at every number of context tokens"
	case "enable-wideep", "moe-backend", "attention-backend":
		return "experiment files have it, as " + strings.ReplaceAll(name, "-", "_") + " under config: servegrid exp runs them"
	case "transfer-policy":
		return "--database-mode says whether formulas fill what was not measured"
	case "forward-model", "engine-step-backend":
		return "steps are always put together from measured kernels: leave it out"
	case "deployment-target":
		return "files are written for Dynamo on Kubernetes: leave it out"
	case "log-level", "debug", "no-color":
		return "this command says no more and no less: leave it out"
	case "image-height", "image-width", "num-images", "enable-epd", "disable-encoder-dp":
		return encodersUnknown
	case "n-a-nodes", "n-f-nodes", "a-tp-size", "a-batch-size", "f-moe-ep-size", "num-microbatches", "pipeline-model", "comm-overhead-factor", "boundary-on-ffn":
		return afdUnknown
	}
	switch {
	case strings.HasPrefix(name, "encoder-"):
		return encodersUnknown
	case strings.HasPrefix(name, "afd-"), strings.HasPrefix(name, "no-afd-"):
		return afdUnknown
	}
	return ""
}

const (
	encodersUnknown = "encoders of images are not modelled, only the language model is"
	afdUnknown      = "attention and experts on GPUs of their own (AFD) are not modelled"
)

package measure

// The lines between which a benchmark's pod prints AIPerf's JSON, so that its log
// is all that a comparison needs.
const (
	BeginResult = "-----BEGIN AIPERF RESULT-----"
	EndResult   = "-----END AIPERF RESULT-----"
)

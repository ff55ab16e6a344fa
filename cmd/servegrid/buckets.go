//go:build cloud

package main

// The libraries of the cloud providers cost some ms at every start, so only
// servegrid-cloud holds them; see handover.go.
import _ "servegrid/sinks/bucket"

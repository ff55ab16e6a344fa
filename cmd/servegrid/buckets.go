//go:build cloud || !cgo

package main

// The libraries of the cloud providers cost some ms at every start, so only
// servegrid-cloud holds them, and the build for pods, without SQL; see handover.go.
import _ "servegrid/sinks/bucket"

//go:build unix

package main

import "syscall"

// limitMemory bounds the data of this process: what goes beyond fails.
func limitMemory(bytes uint64) error {
	return syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: bytes, Max: bytes})
}

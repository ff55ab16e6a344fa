// Package filelock keeps processes from changing the same folder at once.
package filelock

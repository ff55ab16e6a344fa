package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"servegrid/sinks"
)

// openWarehouse opens a warehouse for writing: a directory, which is made where it is
// missing, or a bucket.
func openWarehouse(ctx context.Context, where string) (sinks.Store, error) {
	if _, err := reachable(where); err != nil {
		return nil, err
	}
	return sinks.OpenStore(ctx, where)
}

// openExisting is openWarehouse for one that must be there: it returns
// [fs.ErrNotExist] for a directory that is not.
func openExisting(ctx context.Context, where string) (sinks.Store, error) {
	l, err := sinks.ParseLocation(where)
	if err != nil {
		return nil, asUsage(err)
	}
	if l.Local() {
		if _, err := os.Stat(l.Path); errors.Is(err, fs.ErrNotExist) {
			return nil, noWarehouseError{l.Path}
		} else if err != nil {
			return nil, err
		}
	}
	return openWarehouse(ctx, where)
}

// noWarehouseError is an [fs.ErrNotExist] that says what is missing.
type noWarehouseError struct{ path string }

func (e noWarehouseError) Error() string        { return fmt.Sprintf("warehouse %s does not exist", e.path) }
func (e noWarehouseError) Is(target error) bool { return target == fs.ErrNotExist }

// reachable reads where a warehouse is, and hands the command over if this program
// cannot go there.
func reachable(where string) (sinks.Location, error) {
	l, err := sinks.ParseLocation(where)
	if err != nil {
		return l, asUsage(err)
	}
	if l.Local() {
		return l, nil
	}
	return l, needBuckets(l)
}

// localWarehouse returns the directory of a warehouse that a command can only use on
// this machine.
func localWarehouse(where string) (string, error) {
	l, err := sinks.ParseLocation(where)
	if err != nil {
		return "", asUsage(err)
	}
	if !l.Local() {
		return "", pullFirst(l, "and this needs a directory")
	}
	return l.Path, nil
}

// pullFirst says how to go on with a warehouse that cannot be read where it is.
func pullFirst(l sinks.Location, why string) error {
	return fmt.Errorf("warehouse %s is in a bucket, %s: bring it here with `%s`, then give --warehouse DIR",
		l.Name(), why, shellLine([]string{"servegrid", "pull", l.String(), "DIR"}))
}

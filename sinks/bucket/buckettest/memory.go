// Package buckettest helps tests of what works on buckets: one in memory, what is
// in one, and a line to a server that fails again and again.
package buckettest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"gocloud.dev/blob/memblob"

	"servegrid/sinks"
	"servegrid/sinks/bucket"
)

// Memory returns an empty bucket in memory.
func Memory(t testing.TB) *bucket.Bucket { return MemoryUntil(context.Background(), t) }

// MemoryUntil is [Memory] with a context that ends all requests.
func MemoryUntil(ctx context.Context, t testing.TB) *bucket.Bucket {
	t.Helper()
	b := memblob.OpenBucket(nil)
	t.Cleanup(func() { b.Close() })
	return bucket.New(ctx, b, "mem://"+t.Name())
}

// Contents returns the hashes of the files below a folder, by their names in it.
func Contents(t testing.TB, s sinks.Store, folder string) map[string]string {
	t.Helper()
	files, err := s.List(folder)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, f := range files {
		b, err := sinks.ReadFile(s, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		sums[strings.TrimPrefix(f.Name, folder+"/")] = hex.EncodeToString(sum[:])
	}
	return sums
}

package sinks

import (
	"encoding/hex"

	"github.com/zeebo/xxh3"
)

// The files of a warehouse are known by their XXH3 of 128 bits, as `xxhsum -H128` prints
// it: it tells damage, and takes a tenth of the time of a SHA-256 or less. Who may
// change the files may change the lists of their sums as well.

// newSum is the sum of nothing yet.
func newSum() *xxh3.Hasher128 { return xxh3.New128() }

// spell writes a sum in hexadecimal.
func spell(sum xxh3.Uint128) string {
	b := sum.Bytes()
	return hex.EncodeToString(b[:])
}

// XXH128 returns the sum of some bytes in hexadecimal; see [File.XXH128].
func XXH128(b []byte) string { return spell(xxh3.Hash128(b)) }

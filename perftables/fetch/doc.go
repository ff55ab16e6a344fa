// Package fetch downloads files with tables.
//
// A download lands in a cache, under a partial name that is locked until it is
// whole and, where there is a pin, its SHA-256 is right; then it is renamed. What
// a broken connection leaves is resumed by the next attempt or the next call.
// Everything the server says is checked: the status, the range that it sends, the
// length, the size limit, the hash.
//
// The tests talk to a server on this machine only. No public site was tried.
package fetch

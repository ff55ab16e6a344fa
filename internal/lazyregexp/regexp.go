// Package lazyregexp compiles patterns when they are first used. A start of the program
// meets a few of its patterns; compiling all of them took a millisecond, a tenth of a
// search.
package lazyregexp

import (
	"regexp"
	"sync"
)

// Regexp is a pattern that is compiled at its first use. It is safe for concurrent use;
// a wrong pattern panics then, so every pattern is used by a test.
type Regexp struct{ compiled func() *regexp.Regexp }

// New returns the pattern.
func New(pattern string) Regexp {
	return Regexp{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })}
}

// MatchString and the methods below are those of [regexp.Regexp].
func (r Regexp) MatchString(s string) bool { return r.compiled().MatchString(s) }

// FindStringSubmatch is that of [regexp.Regexp].
func (r Regexp) FindStringSubmatch(s string) []string { return r.compiled().FindStringSubmatch(s) }

// FindAllString is that of [regexp.Regexp].
func (r Regexp) FindAllString(s string, n int) []string { return r.compiled().FindAllString(s, n) }

// FindAllStringSubmatch is that of [regexp.Regexp].
func (r Regexp) FindAllStringSubmatch(s string, n int) [][]string {
	return r.compiled().FindAllStringSubmatch(s, n)
}

// ReplaceAllString is that of [regexp.Regexp].
func (r Regexp) ReplaceAllString(s, with string) string {
	return r.compiled().ReplaceAllString(s, with)
}

// FindStringIndex is that of [regexp.Regexp].
func (r Regexp) FindStringIndex(s string) []int { return r.compiled().FindStringIndex(s) }

// Match is that of [regexp.Regexp].
func (r Regexp) Match(b []byte) bool { return r.compiled().Match(b) }

// FindSubmatch is that of [regexp.Regexp].
func (r Regexp) FindSubmatch(b []byte) [][]byte { return r.compiled().FindSubmatch(b) }

package web

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
)

// policy is what the page may do: run its own scripts, show its own pictures, and
// ask its own server. Nothing inline, nothing from elsewhere, no frames.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard refuses requests of foreign pages and hardens every reply.
func guard(name string, next http.Handler) http.Handler {
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusForbidden, "the request comes from another page; this server answers its own only")
	}))
	checked := sameOrigin.Handler(next)
	own, _ := os.Hostname() // without one only addresses are known
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if !knownHost(r.Host, name, own) {
			writeError(w, http.StatusMisdirectedRequest, "unknown host "+printable(r.Host)+": ask for the address that the server printed")
			return
		}
		checked.ServeHTTP(w, r)
	})
}

// knownHost reports whether a Host header names this server: the name that it
// listens on, the machine itself, or its bare address. A page elsewhere can make
// a name of its own resolve to this machine, but not a name from this list. The
// port plays no part, as a forwarded one is another.
func knownHost(host, name, machine string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" || host == strings.ToLower(strings.Trim(name, "[]")) {
		return host != ""
	}
	addr, err := netip.ParseAddr(host)
	if err == nil && addr.IsLoopback() {
		return true
	}
	if Loopback(name) {
		return false
	}
	return err == nil || machine != "" && host == strings.ToLower(machine)
}

// Loopback reports whether a name to listen on is reached from this machine only.
func Loopback(name string) bool {
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || err == nil && addr.IsLoopback()
}

// printable quotes what a stranger sent, cut to a readable length.
func printable(s string) string {
	const longest = 80
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s), "?")
}

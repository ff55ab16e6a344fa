package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"servegrid/perftables/importer"
)

var content = bytes.Repeat([]byte("0123456789abcdef"), 20_000)

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// options wait as little as the clock can.
func options(t *testing.T) Options {
	return Options{Cache: t.TempDir(), SHA256: sumOf(content), MaxBytes: 1 << 20, Attempts: 4, Wait: time.Nanosecond, Stall: time.Minute}
}

// serve answers each request by the next of the steps, the last one for ever, and
// counts them.
func serve(t *testing.T, steps ...http.HandlerFunc) (url string, requests *atomic.Int32) {
	requests = &atomic.Int32{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(requests.Add(1))
		steps[min(n, len(steps))-1](w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/tables.tar.gz", requests
}

// whole is a server that does everything right.
func whole(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// cut sends a part of what it promises and closes the connection.
func cut(n int, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content[:n])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestGet(t *testing.T) {
	var resumedAt atomic.Value
	resume := func(w http.ResponseWriter, r *http.Request) {
		resumedAt.Store(r.Header.Get("Range"))
		whole(w, r)
	}
	for _, c := range []struct {
		name     string
		steps    []http.HandlerFunc
		requests int32
		resumed  string
	}{
		{"whole", []http.HandlerFunc{resume}, 1, ""},
		{"busy, then whole", []http.HandlerFunc{status(503), status(429), resume}, 3, ""},
		{"cut, then resumed", []http.HandlerFunc{cut(100_000, `"v1"`), resume}, 2, "bytes=100000-"},
		{"cut twice", []http.HandlerFunc{cut(100_000, `"v1"`), cut(1000, `"v1"`), resume}, 3, "bytes=1000-"},
		{"cut without a tag, then anew", []http.HandlerFunc{cut(100_000, ""), resume}, 2, ""},
		{"cut with a weak tag, then anew", []http.HandlerFunc{cut(100_000, `W/"v1"`), resume}, 2, ""},
		{"cut, then another version", []http.HandlerFunc{cut(100_000, `"v0"`), resume}, 2, "bytes=100000-"},
		{"wrong range, then anew", []http.HandlerFunc{cut(100_000, `"v1"`), func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 5-%d/%d", len(content)-1, len(content)))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(content[5:])
		}, resume}, 3, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, requests := serve(t, c.steps...)
			o := options(t)
			var last int64
			o.Progress = func(done, _ int64) { last = done }
			r, err := Get(t.Context(), url, o)
			if err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(r.Path)
			if err != nil || !bytes.Equal(got, content) || r.SHA256 != o.SHA256 || r.Cached || last != int64(len(content)) {
				t.Errorf("%d bytes, hash %s, cached %v, progress ended at %d, error %v", len(got), r.SHA256, r.Cached, last, err)
			}
			if requests.Load() != c.requests || resumedAt.Load() != c.resumed {
				t.Errorf("%d requests, the last for %q; want %d, %q", requests.Load(), resumedAt.Load(), c.requests, c.resumed)
			}
			if again, err := Get(t.Context(), url, o); err != nil || !again.Cached || requests.Load() != c.requests {
				t.Errorf("the second call: %+v, %v, %d requests; want none from the cache", again, err, requests.Load())
			}
			if rest, _ := filepath.Glob(filepath.Join(o.Cache, "*.part*")); len(rest) > 0 {
				t.Errorf("left over: %v", rest)
			}
		})
	}
}

func TestGetRefuses(t *testing.T) {
	lie := func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(bytes.ToUpper(content)))
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(content); err != nil {
				return
			}
		}
	}
	silent := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content[:10])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for _, c := range []struct {
		name     string
		step     http.HandlerFunc
		change   func(o *Options)
		requests int32
		want     string
	}{
		{"another file", lie, nil, 1, "its SHA-256 is " + sumOf(bytes.ToUpper(content)) + ", want " + sumOf(content)},
		{"missing", status(404), nil, 1, "the server says 404"},
		{"always busy", status(503), nil, 4, "the server says 503"},
		{"announced too large", whole, func(o *Options) { o.MaxBytes = 1000 }, 1, "it has 320000 bytes, more than the limit of 1000"},
		{"too large without saying so", endless, nil, 1, "more bytes than the limit of 1048576"},
		{"always cut", cut(1000, `"v1"`), nil, 4, "of 320000 bytes, in 4 attempts"},
		{"silent", silent, func(o *Options) { o.Stall, o.Attempts = 50*time.Millisecond, 2 }, 2, "sent nothing for 50ms, in 2 attempts"},
		{"no hash", whole, func(o *Options) { o.SHA256 = "abc" }, 0, `the SHA-256 is "abc"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, requests := serve(t, c.step)
			o := options(t)
			if c.change != nil {
				c.change(&o)
			}
			_, err := Get(t.Context(), url, o)
			want := strings.ReplaceAll(c.want, "of 320000 bytes, in", "") // an unexpected end is worded by net/http
			if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line with %q", err, c.want)
			}
			if requests.Load() != c.requests {
				t.Errorf("%d requests, want %d", requests.Load(), c.requests)
			}
			if whole, _ := filepath.Glob(filepath.Join(o.Cache, "*.gz")); len(whole) > 0 {
				t.Errorf("in the cache: %v", whole)
			}
		})
	}
	for _, url := range []string{"", "tables.tar.gz", "ftp://host/x", "file:///etc/passwd", "http://"} {
		if _, err := Get(t.Context(), url, options(t)); err == nil {
			t.Errorf("%q is accepted", url)
		}
	}
}

// What one call left is gone on with by the next one.
func TestNextCallResumes(t *testing.T) {
	var ranges []string
	url, _ := serve(t, cut(50_000, `"v1"`), func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		whole(w, r)
	})
	o := options(t)
	o.Attempts = 1
	if _, err := Get(t.Context(), url, o); err == nil {
		t.Fatal("a file that was cut is accepted")
	}
	if _, err := Get(t.Context(), url, o); err != nil || len(ranges) != 1 || ranges[0] != "bytes=50000-" {
		t.Errorf("second call: %v, ranges %v", err, ranges)
	}
}

// A cached file that does not have the hash any more is fetched again.
func TestDamagedCache(t *testing.T) {
	url, requests := serve(t, whole)
	o := options(t)
	r, err := Get(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Path, content[:10], 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err = Get(t.Context(), url, o); err != nil || r.Cached || requests.Load() != 2 {
		t.Errorf("got %+v, %v after %d requests", r, err, requests.Load())
	}
}

func TestOfflineAndInterrupted(t *testing.T) {
	o := options(t)
	o.Wait = time.Hour // would wait if it tried again
	_, err := Get(t.Context(), "http://name-that-does-not-exist.invalid/x.zip", o)
	if err == nil || !strings.Contains(err.Error(), "there is no connection") || !strings.Contains(err.Error(), "tables import") {
		t.Errorf("offline: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := Get(ctx, url, o); err == nil {
		t.Error("an interrupted download is accepted")
	}
}

// Proxies are those of the environment, which the standard library reads once in
// a process.
func TestProxy(t *testing.T) {
	o := options(t)
	if client(&o).HTTPClient.Transport.(*http.Transport).Proxy == nil {
		t.Error("proxies are not used")
	}
}

func TestLFS(t *testing.T) {
	var base string
	mux := http.NewServeMux()
	mux.HandleFunc("POST /repo.git/info/lfs/objects/batch", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(b), sumOf(content)) {
			fmt.Fprint(w, `{"objects":[{"error":{"message":"no such object"}}]}`)
			return
		}
		fmt.Fprintf(w, `{"objects":[{"actions":{"download":{"href":"%s/object"}}}]}`, base)
	})
	mux.HandleFunc("GET /object", whole)
	s := httptest.NewServer(mux)
	defer s.Close()
	base = s.URL
	resolve := LFS(t.Context(), base+"/repo.git/info/lfs", options(t))
	got, err := resolve(importer.Pointer{OID: sumOf(content), Size: int64(len(content))})
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if _, err := resolve(importer.Pointer{OID: sumOf(nil), Size: 1}); err == nil || !strings.Contains(err.Error(), "no such object") {
		t.Errorf("an object that is not there: %v", err)
	}
	if _, err := resolve(importer.Pointer{OID: sumOf(nil), Size: 1 << 40}); err == nil || !strings.Contains(err.Error(), "more than the limit") {
		t.Errorf("an object that is too large: %v", err)
	}
}

func TestSources(t *testing.T) {
	for _, s := range Sources() {
		if s.Name == "" || s.About == "" || s.File == "" || s.SHA256 != "" && !validHash(s.SHA256) || (s.URL == "") == (s.Package == "") || s.Package != "" && s.SHA256 == "" {
			t.Errorf("source %+v lacks a name or a file, is not one of an address and a package, or is a package without a pin", s)
		}
		if got := s.At("https://m.example/x/"); got != "https://m.example/x/"+s.File {
			t.Errorf("on a mirror: %s", got)
		}
	}
}

// A package index is asked for the file by its name; what it says of the hash must
// be the pin.
func TestLocate(t *testing.T) {
	src := Source{Name: "tables", Package: "some-tables", File: "some_tables-1.0-py3-none-any.whl", SHA256: sumOf(content)}
	asJSON := func(url, hash string) string {
		return fmt.Sprintf(`{"meta":{"api-version":"1.1"},"files":[{"filename":"some_tables-0.9.tar.gz","url":"old","hashes":{}},{"filename":%q,"url":%q,"hashes":{"sha256":%q}}]}`, src.File, url, hash)
	}
	asHTML := func(url string) string {
		return `<!DOCTYPE html><html><body><a href="old.tar.gz">old</a><br/><a data-requires-python="&gt;=3" href="` + url + `">the file</a></body></html>`
	}
	const simple = "application/vnd.pypi.simple.v1+json"
	for _, c := range []struct {
		name, kind, page string
		to, want         string // address below the server's, or the error
	}{
		{"JSON, absolute", simple, asJSON("https://files.example/a/"+src.File, src.SHA256), "https://files.example/a/" + src.File, ""},
		{"JSON, relative", simple, asJSON("../../files/"+src.File, strings.ToUpper(src.SHA256)), "/files/" + src.File, ""},
		{"JSON without a hash", simple, asJSON("f/"+src.File, ""), "/simple/some-tables/f/" + src.File, ""},
		{"HTML", "text/html; charset=utf-8", asHTML("../../files/" + src.File + "#sha256=" + src.SHA256), "/files/" + src.File, ""},
		{"HTML with another kind of hash", "text/html", asHTML("/files/" + src.File + "#md5=0123"), "/files/" + src.File, ""},
		{"another hash", simple, asJSON("x", sumOf(nil)), "", "with SHA-256 " + sumOf(nil) + ", want " + src.SHA256},
		{"another hash in HTML", "text/html", asHTML(src.File + "#sha256=" + sumOf(nil)), "", "with SHA-256 " + sumOf(nil)},
		{"not there", simple, `{"files":[{"filename":"some_tables-0.9.tar.gz"}]}`, "", "it has 1 files and not " + src.File},
		{"an empty page", "text/html", "", "", "it has 0 files"},
		{"damaged", simple, `{"files":[`, "", "its JSON: unexpected end"},
		{"another kind of answer", "text/plain", "hello", "", `it answers with "text/plain"`},
		{"endless", simple, strings.Repeat(" ", largestPage+1), "", "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.HandleFunc("GET /simple/some-tables/", func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", c.kind)
				io.WriteString(w, c.page)
			})
			s := httptest.NewServer(mux)
			defer s.Close()
			for _, index := range []string{s.URL + "/simple", s.URL + "/simple/"} {
				got, err := src.Locate(t.Context(), index, options(t))
				if c.want == "" {
					to := c.to
					if strings.HasPrefix(to, "/") {
						to = s.URL + to
					}
					if err != nil || got != to {
						t.Errorf("got %q, %v, want %q", got, err, to)
					}
				} else if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %q, error %v, want one line with %q", got, err, c.want)
				}
			}
		})
	}
	if _, err := src.Locate(t.Context(), "http://name-that-does-not-exist.invalid/simple", options(t)); err == nil || !strings.Contains(err.Error(), "there is no connection") {
		t.Errorf("offline: %v", err)
	}
	url, _ := serve(t, status(404))
	if _, err := src.Locate(t.Context(), url, options(t)); err == nil || !strings.Contains(err.Error(), "the server says 404") {
		t.Errorf("missing: %v", err)
	}
	for _, index := range []string{"", "pypi", "file:///x"} {
		if _, err := src.Locate(t.Context(), index, options(t)); err == nil || !strings.Contains(err.Error(), "is no http:// or https:// address") {
			t.Errorf("index %q: %v", index, err)
		}
	}
	if _, err := src.Locate(t.Context(), "http://user:secret@name-that-does-not-exist.invalid/", options(t)); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows a password: %v", err)
	}
}

func FuzzPackageFiles(f *testing.F) {
	f.Add([]byte(`{"files":[{"filename":"a","url":"b","hashes":{"sha256":"c"}}]}`), true)
	f.Add([]byte(`<a href="x/y.whl#sha256=00">y</a>`), false)
	f.Fuzz(func(t *testing.T, page []byte, json bool) {
		if json {
			packageFilesOfJSON(page)
		} else if _, err := packageFilesOfHTML(bytes.NewReader(page)); err != nil {
			t.Skip()
		}
	})
}

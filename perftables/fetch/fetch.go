package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"servegrid/perftables/internal/filelock"
)

// Options say how a file is fetched.
type Options struct {
	Cache    string        // folder
	SHA256   string        // what the file must have, hexadecimal; "" = anything
	MaxBytes int64         // size limit
	Attempts int           // connections that are tried altogether
	Wait     time.Duration // before the second attempt; it doubles up to a minute
	Stall    time.Duration // longest silence of the server

	Progress func(done, total int64) // called as bytes arrive; total is -1 when it is not known. May be nil
}

// Defaults are the options of the command line.
func Defaults(cache string) Options {
	return Options{Cache: cache, MaxBytes: 2 << 30, Attempts: 5, Wait: time.Second, Stall: 30 * time.Second}
}

// Result is a fetched file.
type Result struct {
	Path   string
	SHA256 string
	Cached bool // it was there already
}

// errFinal marks what another attempt cannot mend.
var errFinal = errors.New("")

func final(format string, args ...any) error {
	return fmt.Errorf("%w"+format, append([]any{errFinal}, args...)...)
}

// Get fetches a file, or finds it in the cache. Proxies are those of the
// environment (HTTPS_PROXY, NO_PROXY).
func Get(ctx context.Context, from string, o Options) (*Result, error) {
	u, err := url.Parse(from)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no http:// or https:// address", from)
	}
	shown := u.Redacted()
	if o.SHA256 = strings.ToLower(o.SHA256); o.SHA256 != "" && !validHash(o.SHA256) {
		return nil, fmt.Errorf("the SHA-256 is %q, want 64 hexadecimal digits", o.SHA256)
	}
	if err := os.MkdirAll(o.Cache, 0o755); err != nil {
		return nil, err
	}
	name := filepath.Join(o.Cache, cacheName(from, u))
	unlock, err := filelock.Lock(name + ".lock")
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	defer unlock()
	if have, err := hashFile(name); err == nil && (o.SHA256 == "" || o.SHA256 == have) {
		return &Result{name, have, true}, nil
	}
	d := &download{Options: o, url: from, client: client(&o), part: name + ".part"}
	if err := d.run(ctx); err != nil {
		return nil, fmt.Errorf("fetch %s: %w", shown, err)
	}
	have, err := hashFile(d.part)
	if err != nil {
		return nil, err
	}
	if o.SHA256 != "" && have != o.SHA256 {
		d.forget()
		return nil, fmt.Errorf("fetch %s: its SHA-256 is %s, want %s; the file was discarded", shown, have, o.SHA256)
	}
	if err := os.Rename(d.part, name); err != nil {
		return nil, err
	}
	d.forget()
	return &Result{name, have, false}, nil
}

func validHash(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// cacheName keeps the extension of the address, which says what the file is.
func cacheName(from string, u *url.URL) string {
	sum := sha256.Sum256([]byte(from))
	base := path.Base(u.Path)
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+", r) {
			return r
		}
		return '_'
	}, base)
	return hex.EncodeToString(sum[:6]) + "-" + clean[max(0, len(clean)-100):]
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// client retries refused connections, dropped requests and statuses 429 and 5xx
// with a growing wait; what breaks off in the middle is retried by download.run.
func client(o *Options) *retryablehttp.Client {
	c := retryablehttp.NewClient()
	c.Logger = nil
	c.RetryMax = max(o.Attempts-1, 0)
	c.RetryWaitMin, c.RetryWaitMax = o.Wait, max(o.Wait, time.Minute)
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	if t, ok := c.HTTPClient.Transport.(*http.Transport); ok {
		t.ResponseHeaderTimeout = o.Stall
		t.DisableCompression = true // ranges and lengths count the bytes of the file
	}
	c.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if offline(err) {
			return false, err
		}
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	}
	return c
}

// offline reports whether there is no way to the network at all, which no retry
// changes.
func offline(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) || errors.Is(err, errUnreachable)
}

// noConnection says what else can be done where there is no way to the network.
func noConnection(err error) error {
	if !offline(err) {
		return err
	}
	return fmt.Errorf("there is no connection: %w. Tables can also be imported from a file: servegrid tables import PATH", err)
}

// download is one file on its way.
type download struct {
	Options
	url    string
	client *retryablehttp.Client
	part   string
}

func (d *download) forget() {
	os.Remove(d.part)
	os.Remove(d.part + ".tag")
}

func (d *download) run(ctx context.Context) error {
	wait := d.Wait
	for attempt := 1; ; attempt++ {
		err := d.attempt(ctx)
		switch {
		case err == nil, ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case offline(err):
			return noConnection(err)
		case errors.Is(err, errFinal):
			return err
		case attempt >= d.Attempts:
			return fmt.Errorf("%w, in %d attempts", err, attempt)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		wait = min(2*wait, time.Minute)
	}
}

// attempt goes on where the partial file ends.
func (d *download) attempt(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, d.url, nil)
	if err != nil {
		return final("%w", err)
	}
	start, tag := d.resumable()
	if start > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", start))
		req.Header.Set("If-Range", tag)
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return final("%w", err) // the client has tried again already
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		start = 0
	case http.StatusPartialContent:
		var from int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &from); err != nil || from != start {
			d.forget()
			return fmt.Errorf("asked for bytes from %d on, the server sent %q", start, resp.Header.Get("Content-Range"))
		}
	case http.StatusRequestedRangeNotSatisfiable:
		d.forget()
		return errors.New("the server refuses to go on where the download ended")
	default:
		return final("the server says %s", resp.Status)
	}
	total := int64(-1)
	if resp.ContentLength >= 0 {
		total = start + resp.ContentLength
	}
	if total > d.MaxBytes {
		return final("it has %d bytes, more than the limit of %d", total, d.MaxBytes)
	}
	if start == 0 {
		d.remember(resp)
	}
	return d.receive(resp.Body, start, total, cancel)
}

// resumable returns how much of the file is there, and the tag that says whether
// the server still has the same file. Without a tag the download starts anew.
func (d *download) resumable() (start int64, tag string) {
	b, err := os.ReadFile(d.part + ".tag")
	info, err2 := os.Stat(d.part)
	if err != nil || err2 != nil || len(b) == 0 || info.Size() == 0 {
		return 0, ""
	}
	return info.Size(), string(b)
}

// remember keeps what identifies the file on the server: a strong entity tag, or
// nothing.
func (d *download) remember(resp *http.Response) {
	d.forget()
	if tag := resp.Header.Get("ETag"); tag != "" && !strings.HasPrefix(tag, "W/") {
		// Without it the next attempt starts anew; that is all.
		_ = os.WriteFile(d.part+".tag", []byte(tag), 0o644)
	}
}

// receive writes the body behind what is there already.
func (d *download) receive(body io.Reader, start, total int64, cancel context.CancelCauseFunc) (err error) {
	f, err := os.OpenFile(d.part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return final("%w", err)
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	if err := errors.Join(f.Truncate(start), seek(f, start)); err != nil {
		return final("%w", err)
	}
	stalled := fmt.Errorf("the server sent nothing for %s", d.Stall)
	watch := time.AfterFunc(d.Stall, func() { cancel(stalled) })
	defer watch.Stop()
	done := start
	buf := make([]byte, 1<<16)
	for {
		n, err := body.Read(buf)
		watch.Reset(d.Stall)
		if done += int64(n); done > d.MaxBytes {
			d.forget()
			return final("it has more bytes than the limit of %d", d.MaxBytes)
		}
		if _, werr := f.Write(buf[:n]); werr != nil {
			return final("%w", werr)
		}
		if d.Progress != nil && n > 0 {
			d.Progress(done, total)
		}
		switch {
		case errors.Is(err, io.EOF) && total >= 0 && done != total:
			return fmt.Errorf("the connection ended after %d of %d bytes", done, total)
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, context.Canceled):
			return stalled
		case err != nil:
			return fmt.Errorf("after %d bytes: %w", done, err)
		}
	}
}

func seek(f *os.File, to int64) error {
	_, err := f.Seek(to, io.SeekStart)
	return err
}

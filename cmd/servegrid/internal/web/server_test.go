package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

type echoRequest struct {
	Text  string   `json:"text,omitempty" doc:"what comes back"`
	Count *int     `json:"count,omitempty"`
	List  []string `json:"list,omitempty"`
}

type echoReply struct {
	Text string `json:"text"`
}

var errAnswer = errors.New("the question has no answer")

func echo(ctx context.Context, q echoRequest) (echoReply, error) {
	switch q.Text {
	case "panic":
		panic("a bug")
	case "fail":
		return echoReply{}, errAnswer
	}
	return echoReply{q.Text}, nil
}

func config() Config {
	return Config{Name: "127.0.0.1", Version: "1", AtOnce: 2, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Operations: []Operation{
		Post("/api/echo", "Say it again", echo), Get("/api/get", "Say it again", echo),
		Post("/api/file", "A file", func(context.Context, echoRequest) (Blob, error) {
			return Blob{"text/plain", "a.txt", []byte("hello")}, nil
		}),
	}}
}

// ask sends a request to the handler alone.
func ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = "127.0.0.1:7860"
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		if r.Header.Set(header[i], header[i+1]); header[i] == "Host" {
			r.Host = header[i+1]
		}
	}
	w := httptest.NewRecorder()
	Handler(config()).ServeHTTP(w, r)
	return w
}

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		says                     string
	}{
		{"echo", "POST", "/api/echo", `{"text":"hi"}`, nil, 200, `{"text":"hi"}`},
		{"get", "GET", "/api/get?text=hi", ``, nil, 200, `{"text":"hi"}`},
		{"file", "POST", "/api/file", `{}`, nil, 200, `hello`},
		{"unknown key", "POST", "/api/echo", `{"txt":"hi"}`, nil, 400, `did you mean`},
		{"unknown parameter", "GET", "/api/get?txt=hi", ``, nil, 400, `txt`},
		{"wrong type", "POST", "/api/echo", `{"count":"3"}`, nil, 400, `count is a string, want integer`},
		{"not JSON", "POST", "/api/echo", `{`, nil, 400, `read the request`},
		{"empty", "POST", "/api/echo", ``, nil, 400, `the request is empty`},
		{"two", "POST", "/api/echo", `{} {}`, nil, 400, `nothing behind it`},
		{"form", "POST", "/api/echo", `text=hi`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, `want application/json`},
		{"too large", "POST", "/api/echo", `{"text":"` + strings.Repeat("a", largestBody) + `"}`, nil, 413, `larger than`},
		{"no answer", "POST", "/api/echo", `{"text":"fail"}`, nil, 422, errAnswer.Error()},
		{"bug", "POST", "/api/echo", `{"text":"panic"}`, nil, 500, `a bug of servegrid`},
		{"no such operation", "POST", "/api/other", `{}`, nil, 404, `/openapi.json`},
		{"wrong method", "GET", "/api/echo", ``, nil, 404, `no operation GET /api/echo`},
		{"page", "GET", "/", ``, nil, 200, `<title>servegrid</title>`},
		{"write to the page", "POST", "/app.js", `{}`, nil, 405, `read only`},
		{"no such file", "GET", "/nothing.js", ``, nil, 404, `there is no /nothing.js`},
	} {
		w := ask(c.method, c.path, c.body, c.header...)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %.200s, want %d with %q", c.name, w.Code, w.Body, c.status, c.says)
		}
		if strings.Contains(w.Body.String(), ErrRequest.Error()) || strings.Contains(w.Body.String(), ".go:") {
			t.Errorf("%s: %s", c.name, w.Body)
		}
	}
}

// Requests of other pages and under other names are refused, and never reach an
// operation.
func TestForeign(t *testing.T) {
	for _, c := range []struct {
		name   string
		header []string
		status int
	}{
		{"own page", []string{"Origin", "http://127.0.0.1:7860", "Sec-Fetch-Site", "same-origin"}, 200},
		{"a program", nil, 200},
		{"forwarded port", []string{"Host", "localhost:9999"}, 200},
		{"IPv6", []string{"Host", "[::1]:7860"}, 200},
		{"rebound name", []string{"Host", "evil.example:7860"}, 421},
		{"rebound name, own origin", []string{"Host", "evil.example:7860", "Origin", "http://evil.example:7860"}, 421},
		{"name that starts alike", []string{"Host", "127.0.0.1.evil.example"}, 421},
		{"other address", []string{"Host", "10.0.0.1:7860"}, 421},
		{"no host", []string{"Host", ""}, 421},
		{"line break", []string{"Host", "a\r\nb"}, 421},
		{"foreign page", []string{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"foreign page, old browser", []string{"Origin", "http://evil.example"}, 403},
		{"another port of this machine", []string{"Origin", "http://127.0.0.1:8000", "Sec-Fetch-Site", "same-site"}, 403},
		{"no origin", []string{"Origin", "null"}, 403},
	} {
		if w := ask("POST", "/api/echo", `{"text":"hi"}`, c.header...); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		} else if w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: other pages may read the answer", c.name)
		}
	}
}

func TestKnownHost(t *testing.T) {
	for _, c := range []struct {
		host, name string
		want       bool
	}{
		{"127.0.0.1:7860", "127.0.0.1", true},
		{"LOCALHOST", "127.0.0.1", true},
		{"192.168.1.5:7860", "127.0.0.1", false},
		{"192.168.1.5:7860", "0.0.0.0", true}, // an address cannot be rebound
		{"planner.example:80", "planner.example", true},
		{"Planner.Example", "planner.example", true},
		{"evil.example", "planner.example", false},
		{"evil.example", "0.0.0.0", false},
		{"me", "0.0.0.0", true},
		{"me", "127.0.0.1", false},
		{"", "0.0.0.0", false},
		{"[::1]:7860", "::1", true},
	} {
		if got := knownHost(c.host, c.name, "me"); got != c.want {
			t.Errorf("host %q of a server on %q: %v", c.host, c.name, got)
		}
	}
}

// No path leads out of the page's files.
func TestTraversal(t *testing.T) {
	for _, path := range []string{
		"/../server.go", "/..%2fserver.go", "/%2e%2e/%2e%2e/etc/passwd", "/assets/index.html", "/./../doc.go", "//etc/passwd", "/style.css/../../doc.go",
		`/..\server.go`, "/style.css%00.go", "/api/../../etc/passwd", "/....//etc/passwd",
	} {
		w := ask("GET", path, "")
		if w.Code == http.StatusOK {
			t.Errorf("%s: %d %.80s", path, w.Code, w.Body)
		}
	}
}

// Every reply says what the page may do, and the page does no more: nothing
// inline, nothing from elsewhere.
func TestPolicy(t *testing.T) {
	for _, path := range []string{"/", "/app.js", "/openapi.json", "/nothing", "/api/get?text=a"} {
		w := ask("GET", path, "")
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: its type may be guessed", path)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	elsewhere := regexp.MustCompile(`(?i)https?://[^\s'"` + "`" + `)]+`)
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle\s*=|\son\w+\s*=\s*["']`)
	for path, a := range assets() {
		if _, err := z.Write(a.content); err != nil {
			t.Fatal(err)
		}
		for _, url := range elsewhere.FindAllString(string(a.content), -1) {
			if url != "http://www.w3.org/2000/svg" { // a name, not an address
				t.Errorf("%s speaks of %s", path, url)
			}
		}
		if strings.HasPrefix(a.kind, "text/html") && inline.Match(a.content) {
			t.Errorf("%s has something inline: %q", path, inline.Find(a.content))
		}
		if a.kind == "" {
			t.Errorf("%s has no media type", path)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if packed.Len() > 1<<20 {
		t.Errorf("the page is %d bytes compressed, at most 1 MiB", packed.Len())
	}
	t.Logf("the page is %d bytes compressed", packed.Len())
}

func TestUnchangedAsset(t *testing.T) {
	w := ask("GET", "/app.js", "")
	if w = ask("GET", "/app.js", "", "If-None-Match", w.Header().Get("ETag")); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("%d with %d bytes", w.Code, w.Body.Len())
	}
}

// Who waits in vain for a free slot is told so.
func TestBusy(t *testing.T) {
	c := config()
	ctx, cancel := context.WithCancel(context.Background())
	started, goOn := make(chan bool), make(chan bool)
	c.AtOnce = 1
	c.Operations = []Operation{Post("/api/wait", "", func(context.Context, echoRequest) (echoReply, error) {
		started <- true
		<-goOn
		return echoReply{}, nil
	})}
	h := Handler(c)
	send := func(ctx context.Context) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(ctx, "POST", "http://127.0.0.1/api/wait", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	first := make(chan int)
	go func() { first <- send(context.Background()).Code }()
	<-started
	cancel()
	if w := send(ctx); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "too busy") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	goOn <- true
	if code := <-first; code != 200 {
		t.Errorf("the first got %d", code)
	}
}

// The end of the context lets a request finish and is no error.
func TestServeEnds(t *testing.T) {
	c := config()
	started, goOn := make(chan bool), make(chan bool)
	c.Operations = append(c.Operations, Post("/api/wait", "", func(context.Context, echoRequest) (echoReply, error) {
		started <- true
		<-goOn
		return echoReply{"done"}, nil
	}))
	s, err := Listen(c)
	if err != nil {
		t.Fatal(err)
	}
	c.Port = s.listener.Addr().(*net.TCPAddr).Port
	if _, err := Listen(c); err == nil || !strings.Contains(err.Error(), "--server-port takes another one") {
		t.Errorf("the port is taken: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Serve(ctx) }()
	reply := make(chan string)
	go func() {
		r, err := http.Post("http://"+s.Addr()+"/api/wait", "application/json", strings.NewReader("{}"))
		if err != nil {
			reply <- err.Error()
			return
		}
		defer r.Body.Close()
		b, _ := io.ReadAll(r.Body)
		reply <- string(b)
	}()
	<-started
	cancel()
	goOn <- true
	if got := <-reply; got != "{\"text\":\"done\"}\n" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestOpenAPI(t *testing.T) {
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Summary     string
			Parameters  []struct{ Name string }
			RequestBody struct {
				Content map[string]struct {
					Schema struct {
						Properties map[string]struct{ Type, Description string }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(ask("GET", "/openapi.json", "").Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	props := d.Paths["/api/echo"]["post"].RequestBody.Content["application/json"].Schema.Properties
	if d.OpenAPI != "3.1.0" || fmt.Sprint(props) != "map[count:{integer } list:{array } text:{string what comes back}]" || len(d.Paths["/api/get"]["get"].Parameters) != 3 {
		t.Errorf("%s: %+v", d.OpenAPI, d.Paths)
	}
}

// Whatever is sent, the answer is JSON with a status that says whose fault it is.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"text":"a"}`, `{"count":1e999}`, `[]`, `{"list":[null]}`, `{"text":"\ud800"}`, `null`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w := ask("POST", "/api/file", body) // it does not fail by itself
		if w.Code == http.StatusOK {
			return
		}
		if !json.Valid(w.Body.Bytes()) || w.Code != http.StatusBadRequest {
			t.Errorf("%q: %d %s", body, w.Code, w.Body)
		}
	})
}

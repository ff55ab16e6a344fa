package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// Bounds of a request.
const (
	largestBody  = 16 << 20 // bytes; the log of a benchmark is the largest
	longestWork  = 60 * time.Second
	longestStop  = 5 * time.Second
	headerTime   = 5 * time.Second
	bodyTime     = 30 * time.Second
	idleTime     = 2 * time.Minute
	largestHeads = 64 << 10
)

// Config says what is served, and where.
type Config struct {
	Name       string // host name or address to listen on
	Port       int    // 0 = a free one
	Version    string // of the program
	Operations []Operation
	AtOnce     int // requests that compute at the same time, and as many that take long; the others wait
	Log        *slog.Logger
}

// Server is a server that listens.
type Server struct {
	listener net.Listener
	http     http.Server
}

// Listen opens the port; requests wait until [Server.Serve].
func Listen(c Config) (*Server, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(c.Name, strconv.Itoa(c.Port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d on %s is in use: --server-port takes another one, 0 a free one", c.Port, c.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s, port %d: %w", c.Name, c.Port, err)
	}
	return &Server{listener: l, http: http.Server{
		Handler: Handler(c), ReadHeaderTimeout: headerTime, ReadTimeout: bodyTime, WriteTimeout: bodyTime + 2*longestWork, IdleTimeout: idleTime,
		MaxHeaderBytes: largestHeads, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}}, nil
}

// Addr is where the server listens, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Serve answers until the context ends, then lets requests finish for a while.
// Ending that way is no error.
func (s *Server) Serve(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestStop)
	defer cancel()
	err := s.http.Shutdown(stop)
	if err != nil {
		err = s.http.Close() // whoever still waits is cut off
	}
	<-failed
	return err
}

// Handler answers the page, its API and the description of it.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	common, apart := make(chan struct{}, max(1, c.AtOnce)), make(chan struct{}, max(1, c.AtOnce))
	for _, o := range c.Operations {
		slots := common
		if o.apart {
			slots = apart
		}
		mux.Handle(o.Method+" "+o.Path, o.handler(slots, c.Log))
	}
	description := OpenAPI(c.Version, c.Operations)
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, description) })
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, http.StatusNotFound, "there is no operation "+r.Method+" "+printable(r.URL.Path)+"; /openapi.json lists them")
	})
	mux.Handle("/", serveAssets(assets()))
	return guard(c.Name, mux)
}

// handler answers one operation.
func (o Operation) handler(slots chan struct{}, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(r.Context(), longestWork)
		defer cancel()
		body, status, err := o.body(w, r)
		var reply any
		if err == nil {
			reply, err = o.within(ctx, slots, body, log)
			status = statusOf(ctx, err)
		}
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			writeError(w, status, fmt.Sprintf("no answer within %s: the server is busy, or the question too large", longestWork))
		case err != nil:
			writeError(w, status, message(err))
		default:
			status = writeReply(w, reply)
		}
		log.Debug("request", "path", o.Path, "status", status, "dur_ms", time.Since(began).Milliseconds())
	})
}

// body reads the request of an operation.
func (o Operation) body(w http.ResponseWriter, r *http.Request) (body []byte, status int, err error) {
	if o.Method == http.MethodGet {
		return queryBody(r.URL.Query()), 0, nil
	}
	// A form of another page cannot send this type without asking first.
	if t := r.Header.Get("Content-Type"); t != "application/json" {
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("the content type is %q, want application/json", printable(t))
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("the request is larger than %d MiB", largestBody>>20)
	}
	return body, http.StatusBadRequest, err
}

// within computes when there is a free slot. A bug in one answer does not take
// the server down.
func (o Operation) within(ctx context.Context, slots chan struct{}, body []byte, log *slog.Logger) (reply any, err error) {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("too busy: %w", ctx.Err())
	}
	defer func() {
		if p := recover(); p != nil {
			log.Error("bug", "path", o.Path, "panic", p, "stack", string(debug.Stack()))
			err = errBug
		}
	}()
	return o.serve(ctx, body)
}

var errBug = errors.New("a bug of servegrid stopped this answer; its log says more")

func statusOf(ctx context.Context, err error) int {
	switch {
	case errors.Is(err, ErrRequest):
		return http.StatusBadRequest
	case errors.Is(err, errBug):
		return http.StatusInternalServerError
	case ctx.Err() != nil:
		return http.StatusServiceUnavailable
	}
	return http.StatusUnprocessableEntity
}

// failure is the reply to a request that was not answered.
type failure struct {
	Error string `json:"error" doc:"what was wrong, and what would be right"`
}

func writeReply(w http.ResponseWriter, reply any) (status int) {
	if b, ok := reply.(Blob); ok {
		w.Header().Set("Content-Type", b.Type)
		w.Header().Set("Content-Disposition", `attachment; filename="`+b.Name+`"`)
		_, _ = w.Write(b.Content) // the reader may be gone
		return http.StatusOK
	}
	b, err := json.Marshal(reply)
	if err != nil { // a number that JSON does not have
		writeError(w, http.StatusInternalServerError, "the answer cannot be written as JSON: "+err.Error())
		return http.StatusInternalServerError
	}
	writeJSON(w, http.StatusOK, b)
	return http.StatusOK
}

func writeError(w http.ResponseWriter, status int, text string) {
	b, err := json.Marshal(failure{text})
	if err != nil {
		panic(err) // a text can be encoded
	}
	writeJSON(w, status, b)
}

func writeJSON(w http.ResponseWriter, status int, b []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the reader may be gone
}

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"servegrid/internal/suggest"
)

// Operation is one operation of the API.
type Operation struct {
	Method, Path   string
	Summary        string
	apart          bool // waits in a queue of its own
	request, reply reflect.Type
	serve          func(ctx context.Context, body []byte) (any, error)
}

// Blob is a reply that is a file.
type Blob struct {
	Type    string // media type
	Name    string // that it is saved under
	Content []byte
}

// ErrRequest is wrapped by errors that are the caller's mistake.
var ErrRequest = errors.New("bad request")

// Post is an operation that takes a JSON object.
func Post[Q, A any](path, summary string, do func(context.Context, Q) (A, error)) Operation {
	return operation(http.MethodPost, path, summary, do)
}

// Get is an operation that takes its request, texts only, from the query of the
// URL.
func Get[Q, A any](path, summary string, do func(context.Context, Q) (A, error)) Operation {
	return operation(http.MethodGet, path, summary, do)
}

func operation[Q, A any](method, path, summary string, do func(context.Context, Q) (A, error)) Operation {
	return Operation{
		Method: method, Path: path, Summary: summary, request: reflect.TypeFor[Q](), reply: reflect.TypeFor[A](),
		serve: func(ctx context.Context, body []byte) (any, error) {
			var q Q
			if err := decode(body, &q); err != nil {
				return nil, err
			}
			return do(ctx, q)
		},
	}
}

// Apart returns an operation that takes long, so that the others do not wait in one
// queue with it.
func (o Operation) Apart() Operation {
	o.apart = true
	return o
}

// decode reads one JSON object into a struct. Keys that it does not have are
// mistakes.
func decode(body []byte, to any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(to)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return badRequest("want one JSON object and nothing behind it")
		}
		return nil
	}
	var kind *json.UnmarshalTypeError
	name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
	switch {
	case errors.Is(err, io.EOF):
		return badRequest("the request is empty, want a JSON object")
	case unknown:
		return badRequest("%w", suggest.Unknown("key", strings.Trim(name, `"`), fieldNames(reflect.TypeOf(to).Elem())))
	case errors.As(err, &kind) && kind.Field != "":
		return badRequest("%s is a %s, want %s", kind.Field, kind.Value, typeName(kind.Type))
	}
	return badRequest("read the request: %w", err)
}

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrRequest, fmt.Errorf(format, args...))
}

// message is what a caller is told: the mistake without the sentinel.
func message(err error) string {
	return strings.TrimPrefix(err.Error(), ErrRequest.Error()+": ")
}

// queryBody spells the query of a URL as a JSON object of texts.
func queryBody(values url.Values) []byte {
	texts := map[string]string{}
	for k, v := range values {
		texts[k] = v[len(v)-1] // the last one wins, as of flags
	}
	b, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts can be encoded
	}
	return b
}

package sinks

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"servegrid/internal/suggest"
)

// Location says where a warehouse is: a folder of this machine, or a bucket.
type Location struct {
	Scheme string // "" for a folder; else s3, gs or azblob
	Path   string // the folder; "" for a bucket
	Bucket string
	Prefix string // of all names in the bucket; "" or without slashes around it
	Params url.Values
}

// schemes lists the kinds of buckets and what may be said about each behind a ?.
// None of it is a secret: credentials come from the provider's usual chain.
var schemes = map[string][]string{
	"s3":     {"endpoint", "profile", "region", "use_path_style"},
	"gs":     {"anonymous"},
	"azblob": {"storage_account", "domain", "protocol", "localemu"},
}

// ParseLocation reads a path, or a URL as in s3://bucket/prefix. Its errors never
// repeat what may be a secret.
func ParseLocation(s string) (Location, error) {
	scheme, rest, isURL := strings.Cut(s, "://")
	if !isURL {
		return Location{Path: s}, nil
	}
	if strings.ContainsAny(scheme, "/\\") { // a path that holds ://
		return Location{Path: s}, nil
	}
	if scheme = strings.ToLower(scheme); scheme != "file" && schemes[scheme] == nil {
		return Location{}, fmt.Errorf("warehouse: %w", suggest.Unknown("kind of URL", scheme, []string{"file", "s3", "gs", "azblob"}))
	}
	u, err := url.Parse(s)
	if err != nil {
		return Location{}, fmt.Errorf("warehouse %s://…: not a URL: want %s://BUCKET/PREFIX", scheme, scheme)
	}
	shown := scheme + "://" + u.Host + u.Path
	switch {
	case u.User != nil || strings.Contains(rest, "@"):
		return Location{}, fmt.Errorf("warehouse %s://…: a URL with a user or password in it: credentials come from the provider's usual chain (environment, profile, role)", scheme)
	case u.Fragment != "":
		return Location{}, fmt.Errorf("warehouse %s: # has no meaning in it", shown)
	case scheme == "file" && (u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || !strings.HasPrefix(u.Path, "/")):
		return Location{}, fmt.Errorf("warehouse %s: want file:///PATH, with an absolute path and nothing behind it", shown)
	case scheme == "file":
		return Location{Path: filepath.FromSlash(u.Path)}, nil
	case u.Host == "":
		return Location{}, fmt.Errorf("warehouse %s: no bucket is named: want %s://BUCKET/PREFIX", shown, scheme)
	}
	l := Location{Scheme: scheme, Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	if slices.ContainsFunc(strings.Split(l.Prefix, "/"), func(e string) bool { return e == "." || e == ".." || l.Prefix != "" && e == "" }) ||
		strings.ContainsAny(l.Prefix, "*?[]%\\\x00") {
		return Location{}, fmt.Errorf("warehouse %s: the prefix must be names with / between them, none of them . or .., without * ? [ ] %% and \\", shown)
	}
	if l.Params, err = url.ParseQuery(u.RawQuery); err != nil {
		return Location{}, fmt.Errorf("warehouse %s: what follows ? is not name=value&…", shown)
	}
	for name, values := range l.Params {
		if !slices.Contains(schemes[scheme], name) {
			if !plainName(name) { // it may be a secret that slipped in
				name = "…"
			}
			return Location{}, fmt.Errorf("warehouse %s: %w; credentials come from the provider's usual chain", shown, suggest.Unknown("parameter", name, schemes[scheme]))
		}
		if e, err := url.Parse(values[0]); len(values) > 1 || values[0] == "" || err != nil || e.User != nil || e.RawQuery != "" {
			return Location{}, fmt.Errorf("warehouse %s: parameter %s wants one value, without a user, password or ? in it", shown, name)
		}
	}
	return l, nil
}

// plainName reports whether a parameter's name is a word or some.
func plainName(s string) bool {
	return s != "" && len(s) <= 24 && !strings.ContainsFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' })
}

// Local reports whether the location is a folder.
func (l Location) Local() bool { return l.Scheme == "" }

// String is the path or URL. There is no secret in it.
func (l Location) String() string {
	if l.Local() {
		return l.Path
	}
	s := l.Name()
	if len(l.Params) > 0 {
		s += "?" + l.Params.Encode()
	}
	return s
}

// Name is the path, or the URL without parameters: what messages say.
func (l Location) Name() string {
	if l.Local() {
		return l.Path
	}
	s := l.Scheme + "://" + l.Bucket
	if l.Prefix != "" {
		s += "/" + l.Prefix
	}
	return s
}

// ErrNoBuckets is wrapped by [OpenStore] in a program without the libraries of the
// cloud providers.
var ErrNoBuckets = errors.New("this program was built without access to buckets")

package sinks

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestParseLocation(t *testing.T) {
	for in, want := range map[string]string{
		"warehouse":                  "warehouse",
		"/data/w":                    "/data/w",
		"file:///data/w":             "/data/w",
		"FILE:///data/w":             "/data/w",
		"file://localhost/data/w":    "/data/w",
		"dir/a://b":                  "dir/a://b",
		"s3://bucket":                "s3://bucket",
		"s3://bucket/":               "s3://bucket",
		"S3://bucket/a/b/":           "s3://bucket/a/b",
		"gs://bucket/a":              "gs://bucket/a",
		"azblob://container/a.b-c_d": "azblob://container/a.b-c_d",
		"s3://b?region=eu-central-1": "s3://b?region=eu-central-1",
		"s3://b/a?endpoint=http://h:1&use_path_style=true": "s3://b/a?endpoint=http%3A%2F%2Fh%3A1&use_path_style=true",
	} {
		l, err := ParseLocation(in)
		if err != nil || l.String() != want {
			t.Errorf("%s: got %q (%v), want %q", in, l.String(), err, want)
		}
		if again, err := ParseLocation(l.String()); err != nil || again.String() != l.String() {
			t.Errorf("%s: read again it is %q (%v)", l, again, err)
		}
	}
}

// A URL with what may be a secret, or that means nothing, is refused in one line that
// does not repeat the secret.
func TestLocationRefusals(t *testing.T) {
	for in, want := range map[string]string{
		"http://host/w":                         `unknown kind of URL "http": valid are file, s3, gs, azblob`,
		"s4://b":                                `did you mean "s3"?`,
		"s3://":                                 "no bucket is named",
		"s3:///a":                               "no bucket is named",
		"file://host/w":                         "want file:///PATH",
		"file:///w?x=1":                         "want file:///PATH",
		"s3://b#x":                              "# has no meaning",
		"s3://b/a//c":                           "names with / between them",
		"s3://b/../c":                           "none of them . or ..",
		"s3://b/a*":                             "without * ?",
		"s3://b/a%2Fb%25":                       "without * ?",
		"s3://b?regoin=x":                       `unknown parameter "regoin": did you mean "region"?`,
		"s3://b?region=":                        "parameter region wants one value",
		"s3://b?region=a&region=b":              "parameter region wants one value",
		"s3://AKIA:SECRET@b/a":                  "user or password",
		"s3://SECRET@b":                         "user or password",
		"s3://AKIA:SEC/RET@b":                   "not a URL",
		"azblob://c?sig=SECRET&se=2030":         "unknown parameter",
		"azblob://c?SECRET=":                    "unknown parameter",
		"s3://b?secret_access_key=SECRET":       "unknown parameter",
		"s3://b?SECRET":                         "unknown parameter",
		"s3://b?%zzSECRET":                      "what follows ? is not",
		"s3://b?endpoint=http://u%3ASECRET%40h": "without a user, password",
		"s3://b?endpoint=http://h/?SECRET%3D1":  "without a user, password",
		"s3://b?endpoint=http%3A%2F%2Fu:SECRET@h:1": "user or password",
	} {
		_, err := ParseLocation(in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line with %q", in, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: the secret is in the error: %v", in, err)
		}
	}
}

// A program without the providers' libraries says so.
func TestNoBuckets(t *testing.T) {
	if HasBuckets() {
		t.Fatal("this test is linked with the providers' libraries")
	}
	if _, err := OpenStore(context.Background(), "s3://b"); !errors.Is(err, ErrNoBuckets) {
		t.Errorf("got error %v", err)
	}
}

// What is accepted is read again as the same, and holds nothing of a user.
func FuzzParseLocation(f *testing.F) {
	for _, s := range []string{"w", "s3://b/a?region=x", "azblob://u:p@c", "gs://b?x=%zz", "file:///a", "s3://[::1]/a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		l, err := ParseLocation(in)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: the error has several lines: %v", in, err)
			}
			return
		}
		again, err := ParseLocation(l.String())
		if !l.Local() && (err != nil || again.String() != l.String()) {
			t.Errorf("%q: read as %q, and again as %q (%v)", in, l, again, err)
		}
	})
}

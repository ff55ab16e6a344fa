package bucket

import (
	"os"
	"strings"

	"servegrid/internal/lazyregexp"
)

// secretVariables are those of the providers' chains that hold secrets themselves.
var secretVariables = []string{
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID",
	"AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_CLIENT_SECRET",
}

// inURL finds what a URL can carry of secrets: a user with a password, and parameters.
var inURL = lazyregexp.New(`(://)[^/\s"@]*@|(\?)[^\s"']+`)

// noise is what the libraries put around a reason: the name, which we say too, and
// what is empty.
var noise = lazyregexp.New(`blob \((key "[^"]*"\) \()?code=\w+\): |StatusCode: 0, |RequestID: , |HostID: [^,]*, `)

// plainError is a provider's error in one line and without secrets.
type plainError struct {
	text string
	err  error
}

func (e *plainError) Error() string { return e.text }
func (e *plainError) Unwrap() error { return e.err }

// plain makes a provider's error fit to be shown.
func plain(err error) error {
	if err == nil {
		return nil
	}
	text := strings.Join(strings.Fields(err.Error()), " ")
	text = noise.ReplaceAllString(text, "")
	text = inURL.ReplaceAllString(text, "$1$2…")
	for _, name := range secretVariables {
		if v := os.Getenv(name); len(v) >= 4 {
			text = strings.ReplaceAll(text, v, "…")
		}
	}
	return &plainError{text, err}
}

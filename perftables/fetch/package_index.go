package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// largestPage bounds the page of one package, bytes.
const largestPage = 16 << 20

// packageFile is a file as a package index lists it.
type packageFile struct {
	name, url, sha256 string // sha256 is "" where the index says nothing
}

// Locate asks a Python package index where the source's file is. Indexes speak the
// simple repository API, as JSON (PEP 691) or as HTML (PEP 503); index is the
// address that pip calls its index URL. What the index says of the file's SHA-256
// must be the pin of the source; that the file has it is for [Get] to see.
func (s *Source) Locate(ctx context.Context, index string, o Options) (string, error) {
	base, err := url.Parse(index)
	if err != nil || base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return "", fmt.Errorf("the package index %q is no http:// or https:// address", index)
	}
	page := base.JoinPath(s.Package, "/")
	files, err := packageFiles(ctx, page, &o)
	if err != nil {
		return "", fmt.Errorf("package index %s: %w", page.Redacted(), err)
	}
	i := slices.IndexFunc(files, func(f packageFile) bool { return f.name == s.File })
	if i < 0 {
		return "", fmt.Errorf("package index %s: it has %d files and not %s", page.Redacted(), len(files), s.File)
	}
	if f := files[i]; f.sha256 != "" && f.sha256 != s.SHA256 {
		return "", fmt.Errorf("package index %s: it has %s with SHA-256 %s, want %s", page.Redacted(), s.File, f.sha256, s.SHA256)
	}
	to, err := page.Parse(files[i].url)
	if err != nil {
		return "", fmt.Errorf("package index %s: the address of %s: %w", page.Redacted(), s.File, err)
	}
	to.Fragment = ""
	return to.String(), nil
}

func packageFiles(ctx context.Context, page *url.URL, o *Options) ([]packageFile, error) {
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, page.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1")
	resp, err := client(o).Do(req)
	if err != nil {
		return nil, noConnection(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server says %s", resp.Status)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(http.MaxBytesReader(nil, resp.Body, largestPage)); err != nil {
		return nil, err
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	switch {
	case err == nil && strings.HasSuffix(kind, "json"):
		return packageFilesOfJSON(text.Bytes())
	case err == nil && strings.HasSuffix(kind, "html"):
		return packageFilesOfHTML(&text)
	}
	return nil, fmt.Errorf("it answers with %q, want the JSON or HTML of the simple repository API", resp.Header.Get("Content-Type"))
}

func packageFilesOfJSON(text []byte) ([]packageFile, error) {
	var page struct {
		Files []struct {
			Filename string            `json:"filename"`
			URL      string            `json:"url"`
			Hashes   map[string]string `json:"hashes"`
		} `json:"files"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		return nil, fmt.Errorf("its JSON: %w", err)
	}
	var files []packageFile
	for _, f := range page.Files {
		files = append(files, packageFile{f.Filename, f.URL, strings.ToLower(f.Hashes["sha256"])})
	}
	return files, nil
}

// packageFilesOfHTML reads the anchors of a page; a hash is the fragment of the
// address.
func packageFilesOfHTML(text io.Reader) ([]packageFile, error) {
	var files []packageFile
	z := html.NewTokenizer(text)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				return nil, fmt.Errorf("its HTML: %w", err)
			}
			return files, nil
		case html.StartTagToken:
			t := z.Token()
			if t.DataAtom != atom.A {
				continue
			}
			for _, a := range t.Attr {
				u, err := url.Parse(a.Val)
				if a.Key != "href" || err != nil {
					continue
				}
				hash, _ := strings.CutPrefix(u.Fragment, "sha256=")
				if hash == u.Fragment {
					hash = "" // of another kind
				}
				files = append(files, packageFile{path.Base(u.Path), a.Val, strings.ToLower(hash)})
			}
		}
	}
}

package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
)

//go:embed assets
var assetFiles embed.FS

// asset is one file of the page.
type asset struct {
	content []byte
	kind    string // media type
	tag     string // changes with the content
}

// kinds are the media types of the files, so that they do not depend on the
// machine.
var kinds = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

// assets reads the files of the page by the path that they are served under.
func assets() map[string]asset {
	files := map[string]asset{}
	err := fs.WalkDir(assetFiles, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := assetFiles.ReadFile(name)
		if err != nil {
			return err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			kind = mime.TypeByExtension(path.Ext(name))
		}
		sum := sha256.Sum256(b)
		a := asset{b, kind, `"` + hex.EncodeToString(sum[:12]) + `"`}
		files[name[len("assets"):]] = a
		if name == "assets/index.html" {
			files["/"] = a
		}
		return nil
	})
	if err != nil {
		panic(err) // they are embedded
	}
	return files
}

// serveAssets answers with a file of the page. There is no file system behind it:
// a path is a key of a map.
func serveAssets(files map[string]asset) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := files[r.URL.Path]
		if !ok {
			writeError(w, http.StatusNotFound, "there is no "+printable(r.URL.Path))
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			writeError(w, http.StatusMethodNotAllowed, "a file of the page can be read only")
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "no-cache") // a new version shows at once
		h.Set("ETag", a.tag)
		if r.Header.Get("If-None-Match") == a.tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write(a.content) // the reader may be gone
	})
}

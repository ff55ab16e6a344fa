package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/hashicorp/go-retryablehttp"

	"servegrid/perftables/importer"
)

// LFS resolves pointers of Git's large file storage by the batch interface of an
// endpoint such as https://host/owner/repository.git/info/lfs. Each object is
// fetched by itself and held to the SHA-256 of its pointer.
func LFS(ctx context.Context, endpoint string, o Options) func(importer.Pointer) ([]byte, error) {
	return func(p importer.Pointer) ([]byte, error) {
		if p.Size > o.MaxBytes {
			return nil, fmt.Errorf("object %.12s has %d bytes, more than the limit of %d", p.OID, p.Size, o.MaxBytes)
		}
		from, err := locate(ctx, endpoint, p, &o)
		if err != nil {
			return nil, fmt.Errorf("object %.12s of %s: %w", p.OID, endpoint, err)
		}
		one := o
		one.SHA256 = p.OID
		r, err := Get(ctx, from, one)
		if err != nil {
			return nil, err
		}
		return os.ReadFile(r.Path)
	}
}

// locate asks the endpoint where an object is.
func locate(ctx context.Context, endpoint string, p importer.Pointer, o *Options) (string, error) {
	type object struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	}
	body, err := json.Marshal(map[string]any{"operation": "download", "transfers": []string{"basic"}, "objects": []object{{p.OID, p.Size}}})
	if err != nil {
		return "", err
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(endpoint, "/")+"/objects/batch", body)
	if err != nil {
		return "", err
	}
	req.Header.Set("Accept", "application/vnd.git-lfs+json")
	req.Header.Set("Content-Type", "application/vnd.git-lfs+json")
	resp, err := client(o).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server says %s", resp.Status)
	}
	var answer struct {
		Objects []struct {
			Actions struct {
				Download struct {
					Href string `json:"href"`
				} `json:"download"`
			} `json:"actions"`
			Error struct {
				Message string `json:"message"`
			} `json:"error"`
		} `json:"objects"`
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(http.MaxBytesReader(nil, resp.Body, 1<<20)); err != nil {
		return "", err
	}
	if err := json.Unmarshal(text.Bytes(), &answer); err != nil || len(answer.Objects) != 1 {
		return "", errors.New("the answer is not one of the Git LFS batch interface")
	}
	if m := answer.Objects[0].Error.Message; m != "" {
		return "", errors.New(m)
	}
	return answer.Objects[0].Actions.Download.Href, nil
}

package bucket

import (
	"errors"
	"io/fs"
	"testing"
)

// Errors of the libraries become one line without noise and secrets, and stay what they are.
func TestPlain(t *testing.T) {
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
	for in, want := range map[string]string{
		`blob (key "a/b.json") (code=Unknown): operation error S3: PutObject, https response error StatusCode: 0, RequestID: , HostID: , request send failed, Put "http://h:1/b?x-id=PutObject": dial tcp: refused`: `operation error S3: PutObject, https response error request send failed, Put "http://h:1/b?…": dial tcp: refused`,
		`blob (code=PermissionDenied): api error AccessDenied`:          `api error AccessDenied`,
		"GET https://a.blob.core.windows.net/c?sig=abc&se=1\n---\nX: y": `GET https://a.blob.core.windows.net/c?… --- X: y`,
		`parse "s3://me:pw@b/c": no`:                                    `parse "s3://…b/c": no`,
		`key hunter2hunter2 is wrong`:                                   `key … is wrong`,
	} {
		if got := plain(errors.New(in)).Error(); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
	if !errors.Is(plain(&fs.PathError{Err: fs.ErrPermission}), fs.ErrPermission) {
		t.Error("the error under it is lost")
	}
	if plain(nil) != nil {
		t.Error("no error becomes one")
	}
}

package buckettest

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"servegrid/sinks"
)

// S3 starts a server that speaks like S3, with an empty bucket named b, and returns its
// URL. It keeps everything in memory and takes every signature.
func S3(t testing.TB) string {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	return server.URL
}

// Credentials are what [S3] takes, set for the test.
func Credentials(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "not-to-be-seen-anywhere", "AWS_REGION": "us-east-1",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// Open opens a warehouse in the bucket b of a server.
func Open(t testing.TB, server, prefix string) sinks.Store {
	t.Helper()
	s, err := sinks.OpenStore(context.Background(), "s3://b/"+prefix+"?endpoint="+server)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

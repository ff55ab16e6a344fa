package kubetest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Pods write to a bucket, with credentials that only a Secret holds, and the bucket
// holds the files of a single process in a directory.
func testBucket(t *testing.T, client *kubernetes.Clientset) {
	backend := s3mem.New()
	if err := backend.CreateBucket("b"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	n := node(t, client, "bucket")
	n.Run(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "keys"}, StringData: map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIATESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "not-to-be-seen-anywhere",
	}}
	if _, err := client.CoreV1().Secrets(n.Namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	file := render(t, "--shards", "3", "--name", "sweep", "--run", "r", "--warehouse", "s3://b/w?endpoint="+server.URL,
		"--env-from-secret", "keys", "--env", "AWS_REGION=us-east-1", "--env", "AWS_EC2_METADATA_DISABLED=true")
	n.apply(t, file)
	n.complete(t, "sweep")
	n.complete(t, "sweep-finish")
	got := map[string]string{}
	list, err := backend.ListBucket("b", nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		name := strings.TrimPrefix(o.Key, "w")
		if strings.HasPrefix(name, "/shards/") || strings.HasPrefix(name, "/runs/r/tables/") || name == "/runs/r/files.json" {
			got[name] = objectHash(t, backend, o.Key)
		}
		if strings.HasPrefix(name, "/locks/") || strings.HasPrefix(name, "/parts/") {
			t.Errorf("%s is left", name)
		}
	}
	want := single(t, "r")
	for name := range want {
		if strings.HasPrefix(name, "/tables/") {
			delete(want, name) // a link, which a bucket has not
		}
	}
	same(t, got, want)
	if said := n.log(t); strings.Contains(said, "not-to-be-seen") {
		t.Error("a pod said its secret")
	}
}

func objectHash(t *testing.T, backend gofakes3.Backend, key string) string {
	t.Helper()
	o, err := backend.GetObject("b", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Contents.Close()
	h := sha256.New()
	if _, err := io.Copy(h, o.Contents); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

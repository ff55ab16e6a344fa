package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"servegrid/sinks"
	"servegrid/sinks/bucket/buckettest"
)

// What is written over a line that fails again and again is read back whole; a name
// that is gone is that, and no failure.
func TestFlakyLine(t *testing.T) {
	buckettest.Credentials(t)
	line := buckettest.NewFlaky(t, buckettest.S3(t), 4, 1)
	s := buckettest.Open(t, line.URL, "a/b")
	content := func(i int) []byte { return bytes.Repeat([]byte{byte(i), 1, 2, 3}, 1+i*20_000) }
	const n = 24
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			name := fmt.Sprintf("x/%02d.parquet", i)
			if err := sinks.PutFile(s, name, content(i)); err != nil {
				t.Error(err)
			}
			if err := s.Link(name, "copies/"+name); err != nil {
				t.Error(err)
			}
			for _, name := range []string{name, "copies/" + name} {
				if b, err := sinks.ReadFile(s, name); err != nil || !bytes.Equal(b, content(i)) {
					t.Errorf("%s: %d bytes are read back (%v), want %d", name, len(b), err, len(content(i)))
				}
			}
		})
	}
	group.Wait()
	files, err := s.List("x")
	if err != nil || len(files) != n || files[3].Name != "x/03.parquet" || files[3].Size != int64(len(content(3))) {
		t.Errorf("listed %v (%v)", files, err)
	}
	if folders, err := s.Folders("copies"); err != nil || !slices.Equal(folders, []string{"x"}) {
		t.Errorf("folders %q (%v)", folders, err)
	}
	for _, err := range []error{s.Remove("x/03.parquet"), s.Remove("x/03.parquet"), s.RemoveAll("copies")} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := s.Stat("x/03.parquet"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of what was removed: %v", err)
	}
	if _, err := s.Open("x/03.parquet"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open of what was removed: %v", err)
	}
	if left, err := s.List("copies"); err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
	if !line.EveryWay() {
		t.Errorf("some way to fail was not tried: %s", line)
	}
	t.Log(line)
}

// Of many who create one name one wins, although answers get lost, and the winner
// knows it.
func TestCreateNew(t *testing.T) {
	buckettest.Credentials(t)
	line := buckettest.NewFlaky(t, buckettest.S3(t), 3, 2)
	s := buckettest.Open(t, line.URL, "")
	const rounds, rivals = 4, 5
	for round := range rounds {
		name := fmt.Sprintf("manifest-%d.json", round)
		errs := make([]error, rivals)
		var group sync.WaitGroup
		for i := range rivals {
			group.Go(func() { errs[i] = sinks.PutNew(s, name, []byte(fmt.Sprint(i))) })
		}
		group.Wait()
		winner, won := 0, 0
		for i, err := range errs {
			switch {
			case err == nil:
				winner, won = i, won+1
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		}
		b, err := sinks.ReadFile(s, name)
		if won != 1 || err != nil || string(b) != fmt.Sprint(winner) {
			t.Errorf("%d of %d won, among them %d; the file holds %q (%v)", won, rivals, winner, b, err)
		}
	}
	t.Log(line)
}

// What cannot succeed is not repeated, is one line, and holds no secret.
func TestRefusals(t *testing.T) {
	buckettest.Credentials(t)
	server := buckettest.S3(t)
	for url, want := range map[string]string{
		"s3://nobucket?endpoint=" + server:                         "there is no such bucket",
		"s3://b?endpoint=" + server + "&use_path_style=maybe":      `use_path_style is "maybe", want true or false`,
		"s3://b?endpoint=http://127.0.0.1:1&profile=not-a-profile": "profile",
	} {
		_, err := sinks.OpenStore(context.Background(), url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "not-to-be-seen") {
			t.Errorf("%s: got error %v, want one line with %q", url, err, want)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if _, err := sinks.OpenStore(context.Background(), "s3://b?endpoint="+server); err == nil || !strings.Contains(err.Error(), "no AWS credentials are found") {
		t.Errorf("without credentials: %v", err)
	}
}

package kubetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const (
	spec  = "../../queries/testdata/python/small.yaml"
	image = "registry.example/servegrid-sweep:test"
)

// program returns the path that an environment variable names.
func program(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s is not set: run make test-k8s", variable)
	}
	return path
}

// render returns what the whole program prints.
func render(t *testing.T, flags ...string) []byte {
	t.Helper()
	args := append([]string{"jobs", "render", spec, "--image", image}, flags...)
	if !slices.Contains(flags, "--warehouse") {
		args = append(args, "--warehouse", "pvc://shared/w")
	}
	var stderr bytes.Buffer
	c := exec.Command(program(t, "SERVEGRID"), args...)
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	return out
}

// edit changes one place of a file.
func edit(t *testing.T, file []byte, old, new string) []byte {
	t.Helper()
	if n := bytes.Count(file, []byte(old)); n != 1 {
		t.Fatalf("%q is in the file %d times", old, n)
	}
	return bytes.Replace(file, []byte(old), []byte(new), 1)
}

// node makes a namespace that only takes restricted pods, with a node whose image holds
// the program that can only sweep.
func node(t *testing.T, client *kubernetes.Clientset, namespace string) *Node {
	t.Helper()
	enforced := map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
	_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, Labels: enforced}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	until(t, time.Minute, "the namespace has its account", func(ctx context.Context) (bool, error) {
		_, err := client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
	folder := t.TempDir()
	if err := os.Symlink(program(t, "SERVEGRID_SWEEP"), filepath.Join(folder, "servegrid")); err != nil {
		t.Fatal(err)
	}
	return &Node{Client: client, Namespace: namespace, Images: map[string]string{image: folder}, Claims: t.TempDir()}
}

func (n *Node) apply(t *testing.T, file []byte) {
	t.Helper()
	if err := Create(t.Context(), n.Client, n.Namespace, file, false); err != nil {
		t.Fatal(err)
	}
}

// end waits for the end of a Job and returns the condition that says how it ended.
func (n *Node) end(t *testing.T, name string) (*batchv1.Job, batchv1.JobCondition) {
	t.Helper()
	var job *batchv1.Job
	var last batchv1.JobCondition
	until(t, 5*time.Minute, "Job "+name+" ends", func(ctx context.Context) (bool, error) {
		var err error
		if job, err = n.Client.BatchV1().Jobs(n.Namespace).Get(ctx, name, metav1.GetOptions{}); err != nil {
			return false, err
		}
		at := slices.IndexFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
			return (c.Type == batchv1.JobComplete || c.Type == batchv1.JobFailed) && c.Status == corev1.ConditionTrue
		})
		if at >= 0 {
			last = job.Status.Conditions[at]
		}
		return at >= 0, nil
	})
	return job, last
}

func (n *Node) complete(t *testing.T, name string) *batchv1.Job {
	t.Helper()
	job, c := n.end(t, name)
	if c.Type != batchv1.JobComplete {
		t.Fatalf("Job %s: %s %s %s\n%s", name, c.Type, c.Reason, c.Message, n.said(t, name))
	}
	return job
}

// said returns the termination messages of a Job's pods that failed.
func (n *Node) said(t *testing.T, job string) string {
	t.Helper()
	pods, err := n.Client.CoreV1().Pods(n.Namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "batch.kubernetes.io/job-name=" + job})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, p := range pods.Items {
		if p.Status.Phase == corev1.PodFailed && len(p.Status.ContainerStatuses) > 0 {
			all = append(all, p.Status.ContainerStatuses[0].State.Terminated.Message)
		}
	}
	return strings.Join(all, "\n")
}

// log returns what all pods of the node have said.
func (n *Node) log(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(n.dir, "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

func index(pod *corev1.Pod) string {
	return pod.Annotations["batch.kubernetes.io/job-completion-index"]
}

// single sweeps in one process, the whole program, and returns the hashes of what is
// published.
func single(t *testing.T, run string) map[string]string {
	t.Helper()
	warehouse := t.TempDir()
	if out, err := exec.Command(program(t, "SERVEGRID"), "sweep", spec, "--warehouse", warehouse, "--run", run).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return published(t, warehouse, run)
}

// published returns the hashes of a warehouse's shards and of a run's tables.
func published(t *testing.T, warehouse, run string) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	for _, folder := range []string{"shards", "tables/", filepath.Join("runs", run, "tables"), filepath.Join("runs", run, "files.json")} {
		// With the slash of "tables/" the link is followed.
		err := filepath.WalkDir(warehouse+"/"+folder, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			hash := sha256.Sum256(content)
			hashes[strings.TrimPrefix(path, warehouse)] = hex.EncodeToString(hash[:])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return hashes
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	if !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Fatalf("%d files, want the %d of a single process", len(got), len(want))
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s has another hash than that of a single process", name)
		}
	}
	t.Logf("%d files with the hashes of a single process", len(want))
}

func TestKubernetes(t *testing.T) {
	client := Start(t, program(t, "KUBE_PROGRAMS"))
	t.Run("validation", func(t *testing.T) { testValidation(t, client) })
	t.Run("once", func(t *testing.T) { testOnce(t, client) })
	t.Run("missing", func(t *testing.T) { testMissing(t, client) })
	t.Run("usage", func(t *testing.T) { testUsage(t, client) })
	t.Run("bucket", func(t *testing.T) { testBucket(t, client) })
	t.Run("nightly", func(t *testing.T) { testNightly(t, client) })
}

// The API server takes every kind of what is rendered, and would not take another.
func testValidation(t *testing.T, client *kubernetes.Clientset) {
	n := node(t, client, "validation")
	check := func(file []byte) error { return Create(t.Context(), client, n.Namespace, file, true) }
	once := render(t, "--shards", "4")
	nightly := render(t, "--shards", "4", "--schedule", "30 2 * * *")
	every := []string{"--shards", "400", "--parallelism", "20", "--max-failed-indexes", "0", "--service-account", "sweeper", "--env-from-secret", "bucket",
		"--image-pull-secret", "registry", "--env", "AWS_REGION=eu-west-1", "--node-selector", "pool=cpu", "--toleration", "spot=true:NoSchedule", "--toleration", "example.com/gpu:NoExecute",
		"--cpu", "500m", "--memory", "1.5Gi", "--scratch", "10G", "--retries", "0", "--deadline", "90m"}
	longest := strings.Repeat("n", 63-11-len("-399"))
	for _, file := range [][]byte{once, nightly, render(t, every...), render(t, append(every, "--schedule", "*/15 0-6 * * mon-fri", "--time-zone", "Europe/Berlin", "--name", longest)...)} {
		if err := check(file); err != nil {
			t.Errorf("%v\n%s", err, file)
		}
	}
	for old, new := range map[string]string{
		"completionMode: Indexed":   "completionMode: Indexd",
		"backoffLimitPerIndex: 3":   "backoffLimitPerIndx: 3",
		`schedule: "30 2 * * *"`:    `schedule: "30 25 * * *"`,
		"completions: 4":            "completions: four",
		"concurrencyPolicy: Forbid": "concurrencyPolicy: forbid",
		`timeZone: "UTC"`:           `timeZone: "Nowhere/At_all"`,
		"restartPolicy: Never":      "restartPolicy: Always",
		"values: [2]":               "values: [0]",
	} {
		if err := check(edit(t, nightly, old, new)); err == nil {
			t.Errorf("the API server takes %s", new)
		} else {
			t.Logf("refused: %v", err)
		}
	}
}

// A sweep runs once: a pod that is killed in the middle is tried again, and the run is
// what a single process makes.
func testOnce(t *testing.T, client *kubernetes.Clientset) {
	n := node(t, client, "once")
	var once sync.Once
	killed := ""
	n.Started = func(pod *corev1.Pod, process *os.Process) {
		if index(pod) == "2" {
			once.Do(func() {
				killed = pod.Name
				killAtFirstShard(process, filepath.Join(n.Claims, "shared/w/shards/receipts"))
			})
		}
	}
	n.Run(t)
	n.apply(t, render(t, "--shards", "4", "--parallelism", "2", "--name", "sweep", "--run", "r"))
	job := n.complete(t, "sweep")
	if job.Status.Succeeded != 4 || job.Status.CompletedIndexes != "0-3" || job.Status.Failed != 1 {
		t.Errorf("indexes %s, %d pods succeeded and %d failed, want 0-3, 4 and the one that was killed, %s",
			job.Status.CompletedIndexes, job.Status.Succeeded, job.Status.Failed, killed)
	}
	n.complete(t, "sweep-finish")
	same(t, published(t, filepath.Join(n.Claims, "shared/w"), "r"), single(t, "r"))
	t.Logf("indexes %s done, %d pods failed (%s, killed in the middle)", job.Status.CompletedIndexes, job.Status.Failed, killed)
}

// killAtFirstShard waits until one more shard is done, and kills the process.
func killAtFirstShard(process *os.Process, receipts string) {
	count := func() int {
		entries, _ := os.ReadDir(receipts)
		return len(entries)
	}
	end := time.Now().Add(30 * time.Second) // it may have been the last pod that had to do something
	for before := count(); count() <= before && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	process.Kill()
}

// When the pods of an index fail for good, the others go on, and the finishing Job
// fails, says which part is missing and publishes nothing. The next Job scores only
// what is missing.
func testMissing(t *testing.T, client *kubernetes.Clientset) {
	n := node(t, client, "missing")
	var mended atomic.Bool
	n.Started = func(pod *corev1.Pod, process *os.Process) {
		if !mended.Load() && index(pod) == "1" {
			process.Kill()
		}
	}
	n.Run(t)
	file := render(t, "--shards", "3", "--retries", "0", "--name", "sweep")
	n.apply(t, edit(t, file, "--wait=6h0m0s", "--wait=20s"))
	job, c := n.end(t, "sweep")
	if c.Type != batchv1.JobFailed || job.Status.FailedIndexes == nil || *job.Status.FailedIndexes != "1" || job.Status.CompletedIndexes != "0,2" {
		t.Fatalf("Job sweep: %+v", job.Status)
	}
	finish, c := n.end(t, "sweep-finish")
	said := n.said(t, "sweep-finish")
	if c.Type != batchv1.JobFailed || c.Reason != batchv1.JobReasonPodFailurePolicy || finish.Status.Failed != 1 ||
		!strings.Contains(said, "servegrid: run sweep: part 1 of 3 (counted from 0) is missing") {
		t.Errorf("Job sweep-finish: %s %s: %s", c.Type, c.Reason, said)
	}
	t.Logf("sweep: index %s failed, %s done; sweep-finish: %s", *job.Status.FailedIndexes, job.Status.CompletedIndexes, strings.TrimSpace(said))
	warehouse := filepath.Join(n.Claims, "shared/w")
	if _, err := os.Lstat(filepath.Join(warehouse, "tables")); err == nil {
		t.Error("an incomplete run was published")
	}
	mended.Store(true)
	n.apply(t, render(t, "--shards", "3", "--name", "again", "--run", "sweep"))
	n.complete(t, "again")
	n.complete(t, "again-finish")
	same(t, published(t, warehouse, "sweep"), single(t, "sweep"))
}

// Pods whose arguments are wrong are not tried again.
func testUsage(t *testing.T, client *kubernetes.Clientset) {
	n := node(t, client, "usage")
	n.Run(t)
	file := render(t, "--shards", "2", "--parallelism", "1", "--name", "sweep", "--schedule", "* * * * *")
	file = edit(t, file, "--shard-index=", "--shard-indx=")
	file = edit(t, file, `schedule: "* * * * *"`, `schedule: "0 0 29 2 *"`)
	n.apply(t, file)
	n.start(t, "sweep", "by-hand")
	job, c := n.end(t, "by-hand")
	said := n.said(t, "by-hand")
	if c.Reason != batchv1.JobReasonPodFailurePolicy || job.Status.Failed != 1 || !strings.Contains(said, "did you mean --shard-index?") {
		t.Errorf("%s %s, %d pods failed: %s", c.Type, c.Reason, job.Status.Failed, said)
	}
	t.Logf("%s: %s", c.Reason, strings.TrimSpace(said))
}

// start makes a Job of a CronJob, as kubectl create job --from does.
func (n *Node) start(t *testing.T, cronJob, name string) {
	t.Helper()
	from, err := n.Client.BatchV1().CronJobs(n.Namespace).Get(t.Context(), cronJob, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: from.Spec.JobTemplate.Labels}, Spec: from.Spec.JobTemplate.Spec}
	if _, err := n.Client.BatchV1().Jobs(n.Namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Every night is a run of its own, called like its Job, which the last pod publishes. A
// second one finds everything scored.
func testNightly(t *testing.T, client *kubernetes.Clientset) {
	n := node(t, client, "nightly")
	n.Run(t)
	n.apply(t, render(t, "--shards", "3", "--name", "night", "--schedule", "* * * * *"))
	var first string
	until(t, 2*time.Minute, "the CronJob starts a Job", func(ctx context.Context) (bool, error) {
		jobs, err := client.BatchV1().Jobs(n.Namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(jobs.Items) > 0 {
			first = jobs.Items[0].Name
		}
		return first != "", err
	})
	suspend := []byte(`{"spec":{"suspend":true}}`)
	if _, err := client.BatchV1().CronJobs(n.Namespace).Patch(t.Context(), "night", "application/merge-patch+json", suspend, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	if minute, err := strconv.Atoi(strings.TrimPrefix(first, "night-")); err != nil || minute == 0 {
		t.Errorf("the Job is called %s", first)
	}
	n.complete(t, first)
	warehouse := filepath.Join(n.Claims, "shared/w")
	same(t, published(t, warehouse, first), single(t, first))
	n.start(t, "night", "night-again")
	n.complete(t, "night-again")
	manifest, err := os.ReadFile(filepath.Join(warehouse, "runs/night-again/manifest.json"))
	if err != nil || !bytes.Contains(manifest, []byte(`"scored_shards": 0`)) {
		t.Errorf("the second night scored again: %v\n%s", err, manifest)
	}
	if target, err := os.Readlink(filepath.Join(warehouse, "tables")); err != nil || target != "runs/night-again/tables" {
		t.Errorf("readers see %s, %v", target, err)
	}
	t.Logf("runs %s and night-again", first)
}

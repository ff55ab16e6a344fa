package jobs

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"text/template"
	"time"

	"go.yaml.in/yaml/v3"
)

// Kubernetes says how a cluster runs a sweep: in shares, by the pods of an Indexed
// Job. It holds what people wrote; [Kubernetes.Render] checks all of it.
type Kubernetes struct {
	Name      string // of the objects; a DNS label
	Namespace string // empty: that of whoever applies the objects
	File      string // name of the sweep file
	Spec      []byte // its text, which the pods read from a ConfigMap

	Warehouse   string // s3://, gs://, azblob://, or pvc://CLAIM/PATH
	Shards      int    // shares of the sweep, each one index of the Job
	Parallelism int    // pods at once; 0: all
	Run         string // name of the run, where there is no schedule; empty: Name
	Schedule    string // in cron's five fields; empty: once, now
	TimeZone    string // of the schedule, such as Europe/Berlin

	Image            string
	ImagePullSecret  string
	ServiceAccount   string   // whose identity opens the bucket, where the cloud gives it one
	EnvFromSecret    string   // a Secret whose keys are the bucket's credentials in environment variables
	Env              []string // NAME=VALUE; nothing secret
	NodeSelector     []string // LABEL=VALUE
	Tolerations      []string // KEY[=VALUE]:EFFECT, as kubectl taint spells them
	CPU, Memory      string   // of a pod; requested, and the limit
	Scratch          string   // the most that a pod may write beside the warehouse
	Retries          int      // of an index that fails
	MaxFailedIndexes int      // more end the Job; -1: as many as there are
	Deadline         time.Duration
}

// Folders inside of the containers.
const (
	podSpecDir   = "/etc/servegrid"
	podWarehouse = "/warehouse"
)

//go:embed kubernetes.yaml.tmpl
var kubernetesText embed.FS

// Render returns the objects as YAML documents: the sweep file, with the Job that
// sweeps and the one that publishes the run, or with a CronJob, whose pod that ends
// last publishes. The error joins one [OptionError] for each mistake.
//
// A CronJob cannot start two Jobs that know of each other. The pods of one Job do
// share a name, and it is another one every night: that is the name of the run.
func (k Kubernetes) Render() ([]byte, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	t := template.New("").Option("missingkey=error")
	t.Funcs(template.FuncMap{
		"quote": quoteYAML, "literal": literal, "indent": indent, "file": configFile,
		"include": func(name string, data any) (string, error) {
			var b strings.Builder
			err := t.ExecuteTemplate(&b, name, data)
			return strings.TrimRight(b.String(), "\n"), err
		},
	})
	var out bytes.Buffer
	if _, err := t.ParseFS(kubernetesText, "*.tmpl"); err != nil {
		return nil, err
	}
	if err := t.ExecuteTemplate(&out, "objects", k.view()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// kubernetesView is what the template shows.
type kubernetesView struct {
	Kubernetes
	Claim       string // PersistentVolumeClaim of the warehouse, if it is on one
	SpecPath    string
	Selector    [][2]string
	Variables   [][2]string
	Tolerated   []toleration
	FinishLimit time.Duration
}

func (k Kubernetes) view() kubernetesView {
	v := kubernetesView{Kubernetes: k, SpecPath: path.Join(podSpecDir, k.File)}
	if claim, dir, ok := splitClaim(k.Warehouse); ok {
		v.Claim, v.Warehouse = claim, path.Join(podWarehouse, dir)
	}
	if v.Parallelism == 0 {
		v.Parallelism = k.Shards
	}
	if v.MaxFailedIndexes < 0 {
		v.MaxFailedIndexes = k.Shards
	}
	if v.Run == "" {
		v.Run = k.Name
	}
	for _, text := range k.NodeSelector {
		name, value, _ := strings.Cut(text, "=")
		v.Selector = append(v.Selector, [2]string{name, value})
	}
	for _, text := range k.Env {
		name, value, _ := strings.Cut(text, "=")
		v.Variables = append(v.Variables, [2]string{name, value})
	}
	for _, text := range k.Tolerations {
		t, _ := parseToleration(text)
		v.Tolerated = append(v.Tolerated, t)
	}
	// Publishing itself comes after the wait.
	v.FinishLimit = k.Deadline + time.Hour
	return v
}

func (v kubernetesView) Seconds(d time.Duration) int64 { return int64(d / time.Second) }

// splitClaim takes pvc://CLAIM/PATH apart.
func splitClaim(warehouse string) (claim, dir string, ok bool) {
	u, err := url.Parse(warehouse)
	if err != nil || u.Scheme != "pvc" {
		return "", "", false
	}
	return u.Host, u.Path, true
}

// quoteYAML spells a text so that YAML reads it as that text: JSON is YAML.
func quoteYAML(text string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(text)
	return strings.TrimSpace(b.String()), err
}

// literal spells a text so that Kubernetes, which replaces $(NAME) in arguments and
// variables, leaves it as it is.
func literal(text string) string { return strings.ReplaceAll(text, "$", "$$") }

// configFile spells a file as one entry of a ConfigMap's data.
func configFile(name string, text []byte) string {
	value := textNode(string(text))
	value.Style = yaml.LiteralStyle // where a text cannot be literal, the encoder quotes it
	return string(encode(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{textNode(name), value}}))
}

// indent moves the lines of a text to the right; empty ones stay empty.
func indent(by int, text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", by) + line
		}
	}
	return strings.Join(lines, "\n")
}

// OptionError is something wrong with how a sweep is to run on a cluster.
type OptionError struct {
	Option string // in kebab-case, as the flag is called
	Text   string
}

func (e *OptionError) Error() string { return fmt.Sprintf("%s %s", e.Option, e.Text) }

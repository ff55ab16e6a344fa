package jobs

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the names of time zones, on machines without them

	"github.com/robfig/cron/v3"

	"servegrid/internal/suggest"
)

// Bounds of Kubernetes.
const (
	longestLabel     = 63      // of a DNS label
	cronSuffix       = 11      // that a CronJob appends to name a Job
	mostIndexes      = 100_000 // without further conditions
	mostConfigMap    = 1 << 20 // bytes of all its entries
	shortestDeadline = time.Minute
)

// options collects what is wrong.
type options struct{ errs []error }

func (o *options) add(option, format string, args ...any) {
	o.errs = append(o.errs, &OptionError{option, fmt.Sprintf(format, args...)})
}

// check reports every mistake.
func (k *Kubernetes) check() error {
	var o options
	k.checkNames(&o)
	k.checkCounts(&o)
	k.checkSchedule(&o)
	k.checkWarehouse(&o)
	k.checkPod(&o)
	return errors.Join(o.errs...)
}

func (k *Kubernetes) checkNames(o *options) {
	// The last pod's host is NAME-INDEX, the finishing Job NAME-finish.
	most := longestLabel - max(len("-finish"), 1+len(strconv.Itoa(max(1, k.Shards)-1)))
	if k.Schedule != "" {
		most = longestLabel - cronSuffix - 1 - len(strconv.Itoa(max(1, k.Shards)-1))
	}
	switch {
	case !dnsLabel.MatchString(k.Name):
		o.add("name", "is %s, want a DNS label: lower-case letters, digits and dashes, the first and last no dash", quote(k.Name))
	case len(k.Name) > most:
		o.add("name", "is %s, %d characters long: want at most %d, as Kubernetes appends to it", quote(k.Name), len(k.Name), most)
	}
	if k.Namespace != "" && (!dnsLabel.MatchString(k.Namespace) || len(k.Namespace) > longestLabel) {
		o.add("namespace", "is %s, want a DNS label of at most %d characters", quote(k.Namespace), longestLabel)
	}
	if k.Run != "" && k.Schedule != "" {
		o.add("run", "is %s, but a schedule makes a new run every time, called like its Job: leave one of them out", quote(k.Run))
	} else if k.Run != "" && !validName.MatchString(k.Run) {
		o.add("run", "is %s, want at most 63 letters, digits, '.', '-' and '_', the first a letter or digit", quote(k.Run))
	}
	other := func(option, name string) {
		if name != "" && !dnsName(name) {
			o.add(option, "is %s, want a name of Kubernetes: lower-case letters, digits, dashes and dots", quote(name))
		}
	}
	other("service-account", k.ServiceAccount)
	other("env-from-secret", k.EnvFromSecret)
	other("image-pull-secret", k.ImagePullSecret)
	if !configKey.MatchString(k.File) {
		o.add("spec", "is called %s, want letters, digits, '.', '-' and '_' in the name of the file", quote(k.File))
	}
	if len(k.Spec) > mostConfigMap {
		o.add("spec", "has %d bytes, and a ConfigMap holds %d", len(k.Spec), mostConfigMap)
	}
}

func (k *Kubernetes) checkCounts(o *options) {
	within := func(option string, value, least, most int) {
		if value < least || value > most {
			o.add(option, "is %d, want %d to %d", value, least, most)
		}
	}
	within("shards", k.Shards, 1, mostIndexes)
	if k.Shards >= 1 {
		within("parallelism", k.Parallelism, 0, k.Shards)
		within("max-failed-indexes", k.MaxFailedIndexes, -1, k.Shards)
	}
	within("retries", k.Retries, 0, 100)
	if k.Deadline < shortestDeadline || k.Deadline%time.Second != 0 {
		o.add("deadline", "is %s, want at least %s, in whole seconds", k.Deadline, shortestDeadline)
	}
}

// checkSchedule reads the schedule with the library that Kubernetes reads it with.
func (k *Kubernetes) checkSchedule(o *options) {
	if k.Schedule == "" {
		return
	}
	_, err := cron.ParseStandard(k.Schedule)
	switch {
	case strings.Contains(k.Schedule, "TZ"):
		o.add("schedule", "is %s: the zone goes into time-zone", quote(k.Schedule))
	case err != nil || len(strings.Fields(k.Schedule)) != 5:
		o.add("schedule", "is %s, want five fields: minute, hour, day of the month, month, day of the week, such as \"30 2 * * *\"", quote(k.Schedule))
	}
	if _, err := time.LoadLocation(k.TimeZone); err != nil || k.TimeZone == "" || strings.EqualFold(k.TimeZone, "local") {
		o.add("time-zone", "is %s, want the name of a time zone, such as UTC or Europe/Berlin", quote(k.TimeZone))
	}
}

// buckets are the schemes of object storage.
var buckets = []string{"s3", "gs", "azblob"}

func (k *Kubernetes) checkWarehouse(o *options) {
	const want = "s3://BUCKET/PREFIX, gs://…, azblob://… or, on a volume that pods share, pvc://CLAIM/PATH"
	u, err := url.Parse(k.Warehouse)
	switch {
	case err != nil:
		o.add("warehouse", "is no URL: want %s", want) // it may hold a secret
	case u.Scheme == "":
		o.add("warehouse", "is %s, and a pod has no such folder: want %s", quote(k.Warehouse), want)
	case u.User != nil || secretName.MatchString(u.RawQuery):
		o.add("warehouse", "holds credentials: put them into a Secret and name it with env-from-secret")
	case u.Scheme == "pvc":
		if !dnsName(u.Host) || u.RawQuery != "" || u.Fragment != "" || path.Join("/", u.Path) != "/"+strings.Trim(u.Path, "/") {
			o.add("warehouse", "is %s, want pvc://CLAIM/PATH, the name of a PersistentVolumeClaim and a folder on it", quote(k.Warehouse))
		}
	case suggest.Nearest(u.Scheme, buckets, 0) == "":
		o.add("warehouse", "is %s: %v", quote(k.Warehouse), unknown("scheme", u.Scheme, append([]string{"pvc"}, buckets...)))
	case u.Host == "":
		o.add("warehouse", "is %s, want %s", quote(k.Warehouse), want)
	}
}

func (k *Kubernetes) checkPod(o *options) {
	if !imageReference.MatchString(k.Image) {
		o.add("image", "is %s, want REGISTRY/NAME:TAG", quote(k.Image))
	}
	amount := func(option, value, such string) {
		if !positiveQuantity(value) {
			o.add(option, "is %s, want an amount as Kubernetes writes it, such as %s", quote(value), such)
		}
	}
	amount("cpu", k.CPU, "2 or 500m")
	amount("memory", k.Memory, "2Gi")
	amount("scratch", k.Scratch, "4Gi")
	for _, text := range k.Env {
		name, _, ok := strings.Cut(text, "=")
		switch {
		case !ok || !envName.MatchString(name):
			o.add("env", "is %s, want NAME=VALUE", quote(text))
		case secretName.MatchString(name):
			// Not its value, which may be in a log now.
			o.add("env", "sets %s, which looks like a secret: put it into a Secret and name it with env-from-secret", name)
		case name == "JOB_NAME" || name == "JOB_COMPLETION_INDEX" || name == "TMPDIR":
			o.add("env", "sets %s, which is set already", name)
		}
	}
	for _, text := range k.NodeSelector {
		name, value, ok := strings.Cut(text, "=")
		if !ok || !labelKey(name) || !labelValue.MatchString(value) {
			o.add("node-selector", "is %s, want LABEL=VALUE", quote(text))
		}
	}
	for _, text := range k.Tolerations {
		if _, err := parseToleration(text); err != nil {
			o.add("toleration", "is %s, %v", quote(text), err)
		}
	}
}

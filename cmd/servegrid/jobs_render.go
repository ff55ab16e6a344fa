package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"servegrid/estimator/search"
	"servegrid/internal/suggest"
	"servegrid/jobs"
	"servegrid/pipeline"
	"servegrid/sinks"
)

// targets are what jobs can be rendered for.
var targets = []string{"kubernetes"}

func jobsRenderCommand() *cli.Command {
	return &cli.Command{
		Name:      "render",
		Usage:     "print what runs a sweep on a cluster",
		ArgsUsage: "SPEC",
		Description: `SPEC is a sweep file or the name of a shipped one. Once, with a Job that publishes
the run when all pods are done; and every night at half past two:
  servegrid jobs render demo --shards 8 --image registry.example/servegrid:0.1.0 \
    --warehouse s3://bucket/warehouse --env-from-secret bucket | kubectl apply -f -
  servegrid jobs render demo --shards 8 --image registry.example/servegrid:0.1.0 \
    --warehouse pvc://shared/warehouse --schedule "30 2 * * *" --time-zone Europe/Berlin`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "target", Value: "kubernetes", Usage: "what it is for: " + strings.Join(targets, ", ")},
			&cli.IntFlag{Name: "shards", Usage: "shares of the sweep, one for each index of the Job (required)"},
			&cli.IntFlag{Name: "parallelism", Usage: "pods at once", DefaultText: "as many as shares"},
			&cli.StringFlag{Name: "warehouse", Usage: "where all pods write: s3://BUCKET/PREFIX, gs://…, azblob://…, or pvc://CLAIM/PATH (required)"},
			&cli.StringFlag{Name: "image", Usage: "image with the program, the sweep-only one or the whole one (required)"},
			&cli.StringFlag{Name: "name", Usage: "name of the objects (default: servegrid- and that of the sweep)"},
			&cli.StringFlag{Name: "namespace", Usage: "namespace of the objects (default: where they are applied)"},
			&cli.StringFlag{Name: "run", Usage: "name of the run, without a schedule (default: the name of the objects)"},
			&cli.StringFlag{Name: "schedule", Usage: "sweep at these times instead of once: minute, hour, day, month and weekday of cron"},
			&cli.StringFlag{Name: "time-zone", Value: "UTC", Usage: "time zone of the schedule"},
			&cli.StringFlag{Name: "service-account", Usage: "service account of the pods, where it has access to the bucket"},
			&cli.StringFlag{Name: "env-from-secret", Usage: "Secret whose keys become environment variables: the bucket's credentials"},
			&cli.StringFlag{Name: "image-pull-secret", Usage: "Secret for the image's registry"},
			&cli.StringSliceFlag{Name: "env", Usage: "NAME=VALUE of an environment variable that is no secret; may be repeated"},
			&cli.StringSliceFlag{Name: "node-selector", Usage: "LABEL=VALUE of the nodes to run on; may be repeated"},
			&cli.StringSliceFlag{Name: "toleration", Usage: "KEY[=VALUE]:EFFECT of a taint that the pods tolerate; may be repeated"},
			&cli.StringFlag{Name: "cpu", Value: "2", Usage: "processors of a pod"},
			&cli.StringFlag{Name: "memory", Value: "2Gi", Usage: "memory of a pod"},
			&cli.StringFlag{Name: "scratch", Value: "4Gi", Usage: "disk of a pod, for what is not in the warehouse yet"},
			&cli.IntFlag{Name: "retries", Value: 3, Usage: "how often an index that fails is tried again"},
			&cli.IntFlag{Name: "max-failed-indexes", Value: -1, Usage: "how many indexes may fail for good before the Job stops; 0 stops at the first", DefaultText: "all, as what the others score is kept"},
			&cli.StringFlag{Name: "deadline", Value: "6h", Usage: "longest time for the sweep"},
		},
		Action: runJobsRender,
	}
}

func runJobsRender(c *cli.Context) error {
	k, err := newKubernetes(c)
	if err != nil {
		return err
	}
	path, src, err := specFile(c)
	if err != nil {
		return err
	}
	spec, err := jobs.Parse(path, src, known())
	if err != nil {
		return err
	}
	k.File, k.Spec = configName(path), src
	if !c.IsSet("name") {
		k.Name = objectName(spec.Name)
	}
	out, err := k.Render()
	if err != nil {
		return asUsage(flagErrors(err))
	}
	if !strings.HasPrefix(k.Warehouse, "pvc:") {
		if _, err := sinks.ParseLocation(k.Warehouse); err != nil {
			return asUsage(err)
		}
	}
	if n := pipeline.CountShards(spec, search.NewCatalog(kernelTables())); k.Shards > n {
		fmt.Fprintf(c.App.ErrWriter, "note: the sweep has %s shards: of %s pods, %s will have nothing to do\n",
			thousands(int64(n)), thousands(int64(k.Shards)), thousands(int64(k.Shards-n)))
	}
	_, err = c.App.Writer.Write(out)
	return err
}

// newKubernetes reads the flags; what they say is checked when it is rendered.
func newKubernetes(c *cli.Context) (k jobs.Kubernetes, err error) {
	if target := c.String("target"); suggest.Nearest(target, targets, 0) != target {
		return k, usagef("--target: %w", suggest.Unknown("target", target, targets))
	}
	for _, name := range []string{"shards", "warehouse", "image"} {
		if !c.IsSet(name) {
			return k, usagef("missing --%s", name)
		}
	}
	if c.IsSet("parallelism") && c.Int("parallelism") < 1 { // 0 stands for all
		return k, usagef("--parallelism is %d, want at least 1", c.Int("parallelism"))
	}
	deadline, err := duration(c, "deadline")
	return jobs.Kubernetes{
		Name: c.String("name"), Namespace: c.String("namespace"), Warehouse: c.String("warehouse"),
		Shards: c.Int("shards"), Parallelism: c.Int("parallelism"), Run: c.String("run"), Schedule: c.String("schedule"), TimeZone: c.String("time-zone"),
		Image: c.String("image"), ImagePullSecret: c.String("image-pull-secret"), ServiceAccount: c.String("service-account"),
		EnvFromSecret: c.String("env-from-secret"), Env: c.StringSlice("env"), NodeSelector: c.StringSlice("node-selector"), Tolerations: c.StringSlice("toleration"),
		CPU: c.String("cpu"), Memory: c.String("memory"), Scratch: c.String("scratch"),
		Retries: c.Int("retries"), MaxFailedIndexes: c.Int("max-failed-indexes"), Deadline: deadline,
	}, err
}

// configName is what the sweep file is called in the pods: as it is here, since a
// sweep without a name is called like its file.
func configName(path string) string {
	name := filepath.Base(path)
	if filepath.Ext(name) == "" {
		name += ".yaml" // a shipped one
	}
	return name
}

// objectName makes a DNS label of a sweep's name.
func objectName(sweep string) string {
	words := strings.FieldsFunc(strings.ToLower(sweep), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return "servegrid-" + strings.Join(words, "-")
}

// flagErrors spells the options of mistakes as flags.
func flagErrors(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var errs []error
	for _, one := range joined.Unwrap() {
		var option *jobs.OptionError
		switch {
		case !errors.As(one, &option):
		case option.Option == "spec":
			one = fmt.Errorf("the sweep file %s", option.Text)
		default:
			one = fmt.Errorf("--%s %s", option.Option, option.Text)
		}
		errs = append(errs, one)
	}
	return errors.Join(errs...)
}

// duration reads a flag that holds a time such as 90m.
func duration(c *cli.Context, name string) (time.Duration, error) {
	d, err := time.ParseDuration(c.String(name))
	if err != nil || d <= 0 {
		return 0, usagef("--%s is %q, want a time such as 90s, 30m or 2h", name, c.String(name))
	}
	return d, nil
}

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"servegrid/internal/suggest"
	"servegrid/perftables"
	"servegrid/sinks"
	"servegrid/sinks/deploy"
)

// generatorOptions say how the deployment files differ from what the rules give.
type generatorOptions struct {
	overrides deploy.Overrides
	runtime   deploy.RuntimeOptions
}

// shortcuts are flags that stand for override keys. One of an engine parameter
// is for the workers of every role.
var shortcuts = []struct{ flag, key, usage string }{
	{"namespace", "K8sConfig.k8s_namespace", "Kubernetes namespace of the deployment files"},
	{"transport", "K8sConfig.transport", "network of the KV transfer: nvlink, ib or efa"},
	{"image-pull-secret", "K8sConfig.k8s_image_pull_secret", "secret that images are pulled with"},
	{"free-gpu-memory-fraction", "Workers.*.kv_cache_free_gpu_memory_fraction", "share of GPU memory that deployed engines take"},
	{"max-seq-len", "Workers.*.max_seq_len", "longest sequence of deployed engines, tokens"},
}

// shortcutKeys spells out the keys of a shortcut.
func shortcutKeys(key string) []string {
	if !strings.Contains(key, "*") {
		return []string{key}
	}
	var keys []string
	for _, role := range []string{deploy.Agg, deploy.Prefill, deploy.Decode} {
		keys = append(keys, strings.Replace(key, "*", role, 1))
	}
	return keys
}

func generatorFlags() []cli.Flag {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "generator-config", Usage: "YAML file of overrides for the deployment files"},
		&cli.StringSliceFlag{Name: "generator-set", Usage: "override KEY=VALUE for the deployment files; repeatable, wins over the file"},
		&cli.StringFlag{Name: "generator-help", Usage: "list the overrides and exit: all, deploy or backend"},
		&cli.StringFlag{Name: "generator-help-backend", Usage: "the backend to list overrides of (default: that of --backend, if given)"},
		&cli.StringFlag{Name: "generated-config-version", Aliases: []string{"config-template-version"}, Usage: "engine version to write configurations for (default: that of the data)"},
		&cli.StringFlag{Name: "dynamo-version", Aliases: []string{"generator-dynamo-version"}, Usage: "Dynamo release to deploy (default: the first that carries the engine version)"},
		&cli.StringFlag{Name: "model-cache", Usage: "claim that caches models: NAME[:MOUNT[:SUBPATH]]"},
	}
	for _, s := range shortcuts {
		flags = append(flags, &cli.StringFlag{Name: s.flag, Usage: s.usage})
	}
	return flags
}

// newGeneratorOptions reads the flags. Every mistake in them is found before
// anything is scored.
func newGeneratorOptions(c *cli.Context) (generatorOptions, error) {
	o := generatorOptions{runtime: deploy.RuntimeOptions{ConfigVersion: c.String("generated-config-version"), DynamoVersion: c.String("dynamo-version")}}
	var errs []error
	if v := o.runtime.DynamoVersion; v != "" && !slices.Contains(deploy.DynamoVersions(), v) {
		errs = append(errs, fmt.Errorf("--dynamo-version: %w", suggest.Unknown("release", v, deploy.DynamoVersions())))
	} else if err := o.runtime.Check(); err != nil {
		errs = append(errs, fmt.Errorf("--generated-config-version: %w", err))
	}
	if f := c.String("generator-config"); f != "" {
		errs = append(errs, o.overrides.AddFile(f))
	}
	errs = append(errs, o.overrides.Add("--generator-set", c.StringSlice("generator-set")))
	for _, s := range shortcuts {
		if v := c.String(s.flag); v != "" {
			for _, key := range shortcutKeys(s.key) {
				errs = append(errs, o.overrides.Add("--"+s.flag, []string{key + "=" + v}))
			}
		}
	}
	if v := c.String("model-cache"); v != "" {
		part := strings.SplitN(v, ":", 3)
		for i, key := range []string{"K8sConfig.k8s_pvc_name", "K8sConfig.k8s_pvc_mount_path", "K8sConfig.k8s_model_path_in_pvc"} {
			if i < len(part) && part[i] != "" {
				errs = append(errs, o.overrides.Add("--model-cache", []string{key + "=" + part[i]}))
			}
		}
	}
	return o, asUsage(errors.Join(errs...))
}

// checkBackend reports overrides that an engine does not have.
func (o *generatorOptions) checkBackend(backend string) error {
	return asUsage(o.overrides.CheckBackend(backend, o.runtime))
}

// helpSections are what --generator-help lists.
var helpSections = []string{"all", "deploy", "backend"}

// generatorHelp answers --generator-help; done says that it was asked for.
func generatorHelp(c *cli.Context) (done bool, err error) {
	if !c.IsSet("generator-help") {
		return false, nil
	}
	section := c.String("generator-help")
	if !slices.Contains(helpSections, section) {
		return true, usagef("--generator-help: %w", suggest.Unknown("section", section, helpSections))
	}
	backend := c.String("generator-help-backend")
	if backend == "" && c.IsSet("backend") && c.String("backend") != "auto" {
		backend = c.String("backend")
	}
	if backend != "" && !slices.Contains(perftables.Backends, backend) {
		return true, usagef("--generator-help-backend: %w", suggest.Unknown("backend", backend, perftables.Backends))
	}
	return true, writeGeneratorHelp(c.App.Writer, section, backend)
}

func writeGeneratorHelp(w io.Writer, section, backend string) error {
	if section != "backend" {
		columns, rows := deploy.KeyTable(backend)
		fmt.Fprintln(w, "Deployment: --generator-set KEY=VALUE, or the same keys in the file of --generator-config")
		fmt.Fprintln(w)
		if err := sinks.WriteTable(w, "table", columns, rows); err != nil {
			return err
		}
	}
	if section == "all" {
		fmt.Fprintln(w)
	}
	if section != "deploy" {
		columns, rows := deploy.ParamTable(backend)
		fmt.Fprintln(w, "Engines: Workers.<agg|prefill|decode>.<parameter>; any option of the engine works too")
		fmt.Fprintln(w)
		return sinks.WriteTable(w, "table", columns, rows)
	}
	return nil
}

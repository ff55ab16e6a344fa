package jobs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"

	"servegrid/internal/deploytest"
)

func onCluster(t testing.TB) Kubernetes {
	t.Helper()
	spec, ok := Shipped("demo")
	if !ok {
		t.Fatal("no shipped sweep file")
	}
	return Kubernetes{
		Name: "night", File: "demo.yaml", Spec: spec, Warehouse: "s3://bucket/warehouse", Shards: 8, TimeZone: "UTC",
		Image: "registry.example:5000/servegrid:0.1.0", CPU: "2", Memory: "2Gi", Scratch: "4Gi", Retries: 3, MaxFailedIndexes: -1, Deadline: 6 * time.Hour,
	}
}

// full sets everything that has no place in a plain one.
func full(t testing.TB) Kubernetes {
	k := onCluster(t)
	k.Namespace, k.Parallelism, k.MaxFailedIndexes, k.Run = "sweeps", 4, 0, "Run_1"
	k.Warehouse, k.ServiceAccount, k.EnvFromSecret, k.ImagePullSecret = "pvc://shared/a/b", "sweeper", "bucket.credentials", "registry"
	k.Env = []string{"AWS_REGION=eu-west-1", `ODD=a: "b" $(c) # d=e`, "EMPTY="}
	k.NodeSelector = []string{"pool=cpu", "example.com/odd=true"}
	k.Tolerations = []string{"spot=true:NoSchedule", "example.com/gpu:NoExecute"}
	return k
}

// objects renders k and decodes it by Kubernetes' own types, strictly.
func objects(t testing.TB, k Kubernetes) []any {
	t.Helper()
	text, err := k.Render()
	if err != nil {
		t.Fatal(err)
	}
	return deploytest.Manifests(t, text)
}

// sweepJob returns the Job that sweeps, and the finishing one if there is any.
func sweepJob(t *testing.T, all []any) (sweep, finish *batchv1.JobSpec) {
	t.Helper()
	if len(all) > 2 {
		finish = &all[2].(*batchv1.Job).Spec
	}
	switch o := all[1].(type) {
	case *batchv1.Job:
		return &o.Spec, finish
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec, finish
	}
	t.Fatalf("the second object is a %T", all[1])
	return nil, nil
}

// variants are sweeps of all kinds.
func variants(t testing.TB) map[string]Kubernetes {
	plain, every := onCluster(t), full(t)
	nightly, everyNight := plain, every
	nightly.Schedule = "30 2 * * *"
	everyNight.Schedule, everyNight.TimeZone, everyNight.Run = "0 */6 * * mon-fri", "Europe/Berlin", ""
	return map[string]Kubernetes{"once": plain, "once, everything set": every, "nightly": nightly, "nightly, everything set": everyNight}
}

// Every index is one share of the same run, and the shares are all there is.
func TestKubernetesShares(t *testing.T) {
	for name, k := range variants(t) {
		t.Run(name, func(t *testing.T) {
			all := objects(t, k)
			sweep, finish := sweepJob(t, all)
			if *sweep.CompletionMode != batchv1.IndexedCompletion || int(*sweep.Completions) != k.Shards {
				t.Errorf("%v completions of mode %v, want %d indexed ones", *sweep.Completions, *sweep.CompletionMode, k.Shards)
			}
			c := sweep.Template.Spec.Containers[0]
			for _, want := range []string{fmt.Sprintf("--shard-count=%d", k.Shards), "--shard-index=$(JOB_COMPLETION_INDEX)"} {
				if !slices.Contains(c.Args, want) {
					t.Errorf("arguments %q, want %s", c.Args, want)
				}
			}
			run := "--run=$(JOB_NAME)" // the pods of a Job share its label
			if k.Schedule == "" {
				run = "--run=" + cmp.Or(k.Run, k.Name)
			}
			if !slices.Contains(c.Args, run) {
				t.Errorf("arguments %q, want %s", c.Args, run)
			}
			if slices.Contains(c.Args, "--finish") != (k.Schedule != "") || (finish == nil) != (k.Schedule != "") {
				t.Error("want either a finishing Job or pods that finish")
			}
			if finish != nil {
				f := finish.Template.Spec.Containers[0]
				for _, want := range []string{run, "--finish", fmt.Sprintf("--shard-count=%d", k.Shards), "--wait=6h0m0s", c.Args[1], c.Args[2]} {
					if !slices.Contains(f.Args, want) {
						t.Errorf("finishing: arguments %q, want %s", f.Args, want)
					}
				}
				if *finish.ActiveDeadlineSeconds <= *sweep.ActiveDeadlineSeconds {
					t.Error("the finishing Job ends before the sweep may")
				}
			}
			if got := all[0].(*corev1.ConfigMap).Data[k.File]; got != string(k.Spec) {
				t.Errorf("the sweep file became\n%s", got)
			}
			if k.Schedule != "" {
				cron := all[1].(*batchv1.CronJob)
				if cron.Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || *cron.Spec.TimeZone != k.TimeZone || cron.Spec.Schedule != k.Schedule {
					t.Errorf("cron job %+v", cron.Spec)
				}
			}
		})
	}
}

// Pods are restricted as the strictest of Kubernetes' pod security standards wants
// it, retried by index, and given up when their arguments are wrong.
func TestKubernetesPods(t *testing.T) {
	for name, k := range variants(t) {
		sweep, finish := sweepJob(t, objects(t, k))
		jobs := []*batchv1.JobSpec{sweep}
		if finish != nil {
			jobs = append(jobs, finish)
		}
		most := int32(k.MaxFailedIndexes)
		if most < 0 {
			most = int32(k.Shards)
		}
		if *sweep.MaxFailedIndexes != most {
			t.Errorf("%s: %d indexes may fail", name, *sweep.MaxFailedIndexes)
		}
		if int(*sweep.BackoffLimitPerIndex) != k.Retries {
			t.Errorf("%s: %d retries", name, *sweep.BackoffLimitPerIndex)
		}
		for _, job := range jobs {
			pod, c := job.Template.Spec, job.Template.Spec.Containers[0]
			if pod.RestartPolicy != corev1.RestartPolicyNever || !*pod.SecurityContext.RunAsNonRoot || pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault ||
				*c.SecurityContext.AllowPrivilegeEscalation || !*c.SecurityContext.ReadOnlyRootFilesystem || !slices.Equal(c.SecurityContext.Capabilities.Drop, []corev1.Capability{"ALL"}) {
				t.Errorf("%s: a pod that is not restricted: %+v", name, pod)
			}
			if *pod.AutomountServiceAccountToken || *pod.EnableServiceLinks {
				t.Errorf("%s: a pod gets what it does not need: %+v", name, pod)
			}
			rule := job.PodFailurePolicy.Rules[1]
			if rule.Action != batchv1.PodFailurePolicyActionFailJob || !slices.Contains(rule.OnExitCodes.Values, 2) || *rule.OnExitCodes.ContainerName != c.Name {
				t.Errorf("%s: rule %+v", name, rule)
			}
			if len(c.Resources.Requests) != 3 || c.Resources.Limits.Memory().Cmp(resource.MustParse(k.Memory)) != 0 {
				t.Errorf("%s: resources %+v", name, c.Resources)
			}
			if pod.ServiceAccountName != k.ServiceAccount || len(pod.Tolerations) != len(k.Tolerations) || len(pod.NodeSelector) != len(k.NodeSelector) {
				t.Errorf("%s: pod %+v", name, pod)
			}
		}
	}
}

// Secrets are named, never held.
func TestKubernetesSecrets(t *testing.T) {
	for name, k := range variants(t) {
		for _, o := range objects(t, k) {
			if _, ok := o.(*corev1.Secret); ok {
				t.Errorf("%s: a Secret is printed", name)
			}
		}
		sweep, _ := sweepJob(t, objects(t, k))
		from := sweep.Template.Spec.Containers[0].EnvFrom
		if (k.EnvFromSecret != "") != (len(from) == 1 && from[0].SecretRef.Name == k.EnvFromSecret) {
			t.Errorf("%s: envFrom %+v", name, from)
		}
	}
	for _, change := range []func(*Kubernetes){
		func(k *Kubernetes) { k.Env = []string{"AWS_SECRET_ACCESS_KEY=hunter2"} },
		func(k *Kubernetes) { k.Env = []string{"AZURE_STORAGE_SAS_TOKEN=hunter2"} },
		func(k *Kubernetes) { k.Env = []string{"AZURE_STORAGE_KEY=hunter2"} },
		func(k *Kubernetes) { k.Warehouse = "s3://me:hunter2@bucket/x" },
		func(k *Kubernetes) { k.Warehouse = "s3://bucket/x?access_key_secret=hunter2" },
	} {
		k := onCluster(t)
		change(&k)
		_, err := k.Render()
		if err == nil || !strings.Contains(err.Error(), "env-from-secret") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("got error %v, want the way to give a secret, and not the secret", err)
		}
	}
}

// A pod's argument and a variable reach the program as they were written.
func TestKubernetesLiteral(t *testing.T) {
	k := full(t)
	k.Warehouse = `s3://bucket/a b'"$(HOME)`
	sweep, _ := sweepJob(t, objects(t, k))
	c := sweep.Template.Spec.Containers[0]
	if got, want := c.Args[2], `--warehouse=s3://bucket/a b'"$$(HOME)`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, e := range c.Env {
		if want := `a: "b" $$(c) # d=e`; e.Name == "ODD" && e.Value != want {
			t.Errorf("got %s, want %s", e.Value, want)
		}
	}
}

func TestKubernetesMistakes(t *testing.T) {
	for _, test := range []struct {
		option string
		change func(*Kubernetes)
		want   string
	}{
		{"name", func(k *Kubernetes) { k.Name = "Night" }, `is "Night", want a DNS label`},
		{"name", func(k *Kubernetes) { k.Name = strings.Repeat("a", 57) }, "57 characters long: want at most 56"},
		{"name", func(k *Kubernetes) { k.Name, k.Schedule = strings.Repeat("a", 51), "0 2 * * *" }, "51 characters long: want at most 50"},
		{"namespace", func(k *Kubernetes) { k.Namespace = "a.b" }, `is "a.b"`},
		{"run", func(k *Kubernetes) { k.Run, k.Schedule = "x", "0 2 * * *" }, "leave one of them out"},
		{"run", func(k *Kubernetes) { k.Run = "a/b" }, `is "a/b"`},
		{"shards", func(k *Kubernetes) { k.Shards = 0 }, "is 0, want 1 to 100000"},
		{"parallelism", func(k *Kubernetes) { k.Parallelism = 9 }, "is 9, want 0 to 8"},
		{"max-failed-indexes", func(k *Kubernetes) { k.MaxFailedIndexes = 9 }, "is 9, want -1 to 8"},
		{"retries", func(k *Kubernetes) { k.Retries = -1 }, "is -1"},
		{"deadline", func(k *Kubernetes) { k.Deadline = time.Second }, "is 1s, want at least 1m0s"},
		{"schedule", func(k *Kubernetes) { k.Schedule = "0 25 * * *" }, `is "0 25 * * *", want five fields`},
		{"schedule", func(k *Kubernetes) { k.Schedule = "0 2 * *" }, "want five fields"},
		{"schedule", func(k *Kubernetes) { k.Schedule = "@every 1h" }, "want five fields"},
		{"schedule", func(k *Kubernetes) { k.Schedule = "TZ=UTC 0 2 * * *" }, "the zone goes into time-zone"},
		{"time-zone", func(k *Kubernetes) { k.Schedule, k.TimeZone = "0 2 * * *", "Berlin" }, `is "Berlin", want the name of a time zone`},
		{"time-zone", func(k *Kubernetes) { k.Schedule, k.TimeZone = "0 2 * * *", "Local" }, `is "Local"`},
		{"warehouse", func(k *Kubernetes) { k.Warehouse = "./warehouse" }, "a pod has no such folder"},
		{"warehouse", func(k *Kubernetes) { k.Warehouse = "S4://x/y" }, "s3"},
		{"warehouse", func(k *Kubernetes) { k.Warehouse = "s3:///y" }, "want s3://BUCKET/PREFIX"},
		{"warehouse", func(k *Kubernetes) { k.Warehouse = "pvc://A/y" }, "want pvc://CLAIM/PATH"},
		{"warehouse", func(k *Kubernetes) { k.Warehouse = "pvc://a/../y" }, "want pvc://CLAIM/PATH"},
		{"warehouse", func(k *Kubernetes) { k.Warehouse = "s3://me:hunter2%zz@b" }, "is no URL: want s3://"},
		{"image", func(k *Kubernetes) { k.Image = "a b" }, `is "a b"`},
		{"cpu", func(k *Kubernetes) { k.CPU = "two" }, `is "two"`},
		{"memory", func(k *Kubernetes) { k.Memory = "0Gi" }, `is "0Gi"`},
		{"scratch", func(k *Kubernetes) { k.Scratch = "" }, `is ""`},
		{"env", func(k *Kubernetes) { k.Env = []string{"a-b=c"} }, `is "a-b=c", want NAME=VALUE`},
		{"env", func(k *Kubernetes) { k.Env = []string{"JOB_NAME=c"} }, "set already"},
		{"node-selector", func(k *Kubernetes) { k.NodeSelector = []string{"pool"} }, `is "pool", want LABEL=VALUE`},
		{"toleration", func(k *Kubernetes) { k.Tolerations = []string{"a=b"} }, "want KEY=VALUE:EFFECT"},
		{"toleration", func(k *Kubernetes) { k.Tolerations = []string{"a=b:NoShedule"} }, `"NoSchedule"`},
		{"service-account", func(k *Kubernetes) { k.ServiceAccount = "A" }, `is "A"`},
		{"env-from-secret", func(k *Kubernetes) { k.EnvFromSecret = "a_b" }, `is "a_b"`},
		{"spec", func(k *Kubernetes) { k.File = "my sweep.yaml" }, `is called "my sweep.yaml"`},
		{"spec", func(k *Kubernetes) { k.Spec = make([]byte, 1<<20+1) }, "a ConfigMap holds 1048576"},
	} {
		k := onCluster(t)
		test.change(&k)
		out, err := k.Render()
		var got *OptionError
		if !errors.As(err, &got) || got.Option != test.option || !strings.Contains(got.Text, test.want) || strings.Contains(err.Error(), "\n") || out != nil {
			t.Errorf("got error %v, want one about %s: %s", err, test.option, test.want)
		}
	}
}

// Whatever passes the checks is what Kubernetes takes.
func FuzzKubernetes(f *testing.F) {
	f.Add("night", "s3://bucket/x", "registry/x:1", "2Gi", "A=b", "pool=cpu", "spot=true:NoSchedule", "30 2 * * *", "name: x\n")
	f.Add("night", "pvc://claim/x", "x", "500m", "A=", "a/b=c", "spot:NoExecute", "", "\ttab\r\n  \x00é trailing \n\n")
	f.Fuzz(func(t *testing.T, name, warehouse, image, amount, env, selector, toleration, schedule, spec string) {
		k := onCluster(t)
		k.Name, k.Warehouse, k.Image, k.Memory, k.Schedule, k.Spec = name, warehouse, image, amount, schedule, []byte(spec)
		k.Env, k.NodeSelector, k.Tolerations = []string{env}, []string{selector}, []string{toleration}
		text, err := k.Render()
		if err != nil {
			return
		}
		documents, err := deploytest.Split(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, document := range documents {
			object, err := deploytest.Decode(document)
			if err == nil {
				err = deploytest.Check(object)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, document)
			}
			if job, ok := object.(*batchv1.Job); ok {
				for key, value := range job.Spec.Template.Spec.NodeSelector {
					if bad := append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...); bad != nil {
						t.Errorf("label %s=%s: %v", key, value, bad)
					}
				}
			}
		}
	})
}

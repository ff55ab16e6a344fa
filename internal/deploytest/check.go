package deploytest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var spec, metadata = field.NewPath("spec"), field.NewPath("metadata")

// Check returns every rule that an object of [Decode] breaks and that decoding
// does not see: names, lengths, references between parts, values from a list.
func Check(object any) error {
	var errs field.ErrorList
	add := func(more field.ErrorList) { errs = append(errs, more...) }
	switch o := object.(type) {
	case *DynamoGraphDeployment:
		add(names(o.Metadata.Name, o.Metadata.Namespace, validation.IsDNS1123Label))
		add(checkDeployment(o))
	case *batchv1.Job:
		add(names(o.Name, o.Namespace, validation.IsDNS1123Label))
		add(checkJob(spec, &o.Spec))
	case *batchv1.CronJob:
		add(names(o.Name, o.Namespace, validation.IsDNS1123Label))
		// Kubernetes appends 11 characters to name a Job.
		if longest := validation.DNS1123LabelMaxLength - 11; len(o.Name) > longest {
			add(field.ErrorList{field.TooLong(metadata.Child("name"), o.Name, longest)})
		}
		if len(strings.Fields(o.Spec.Schedule)) != 5 {
			add(field.ErrorList{field.Invalid(spec.Child("schedule"), o.Spec.Schedule, "needs five fields")})
		}
		add(checkJob(spec.Child("jobTemplate", "spec"), &o.Spec.JobTemplate.Spec))
	case *corev1.ConfigMap:
		add(names(o.Name, o.Namespace, validation.IsDNS1123Subdomain))
		add(keys("data", o.Data))
	case *corev1.Secret:
		add(names(o.Name, o.Namespace, validation.IsDNS1123Subdomain))
		add(keys("data", o.Data))
		add(keys("stringData", o.StringData))
	case *corev1.PersistentVolumeClaim:
		add(names(o.Name, o.Namespace, validation.IsDNS1123Subdomain))
		if len(o.Spec.AccessModes) == 0 {
			add(field.ErrorList{field.Required(spec.Child("accessModes"), "")})
		}
		if storage := o.Spec.Resources.Requests[corev1.ResourceStorage]; storage.Sign() <= 0 {
			add(field.ErrorList{field.Required(spec.Child("resources", "requests", "storage"), "")})
		}
	default:
		return fmt.Errorf("there are no rules for %T", object)
	}
	slices.SortFunc(errs, func(a, b *field.Error) int { return cmp.Compare(a.Error(), b.Error()) })
	return errs.ToAggregate()
}

// names checks the name of an object by the rule of its kind and, where it is
// given, the namespace.
func names(name, namespace string, rule func(string) []string) field.ErrorList {
	errs := invalid(metadata.Child("name"), name, rule(name))
	if namespace != "" {
		errs = append(errs, label(metadata.Child("namespace"), namespace)...)
	}
	return errs
}

// keys checks the keys of a ConfigMap or a Secret.
func keys[V any](name string, data map[string]V) field.ErrorList {
	var errs field.ErrorList
	for key := range data {
		errs = append(errs, invalid(field.NewPath(name), key, validation.IsConfigMapKey(key))...)
	}
	return errs
}

func label(path *field.Path, name string) field.ErrorList {
	return invalid(path, name, validation.IsDNS1123Label(name))
}

func invalid(path *field.Path, value string, messages []string) field.ErrorList {
	var errs field.ErrorList
	for _, message := range messages {
		errs = append(errs, field.Invalid(path, value, message))
	}
	return errs
}

// oneOf checks a value from a list.
func oneOf(path *field.Path, value string, valid ...string) field.ErrorList {
	if slices.Contains(valid, value) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, value, valid)}
}

func checkJob(path *field.Path, job *batchv1.JobSpec) field.ErrorList {
	path = path.Child("template", "spec")
	pod := &job.Template.Spec
	errs := oneOf(path.Child("restartPolicy"), string(pod.RestartPolicy), "Never", "OnFailure")
	if len(pod.Containers) == 0 {
		errs = append(errs, field.Required(path.Child("containers"), ""))
	}
	return append(errs, checkPod(path, pod)...)
}

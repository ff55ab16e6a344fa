package deploytest

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// checkPod checks volumes and the named containers of a pod.
func checkPod(path *field.Path, pod *corev1.PodSpec) field.ErrorList {
	var errs field.ErrorList
	volumes := sets.New[string]()
	for i, v := range pod.Volumes {
		at := path.Child("volumes").Index(i)
		errs = append(errs, label(at.Child("name"), v.Name)...)
		if volumes.Has(v.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), v.Name))
		}
		if v.VolumeSource == (corev1.VolumeSource{}) {
			errs = append(errs, field.Required(at, "a source"))
		}
		volumes.Insert(v.Name)
	}
	for i, s := range pod.ImagePullSecrets {
		errs = append(errs, invalid(path.Child("imagePullSecrets").Index(i).Child("name"), s.Name, validation.IsDNS1123Subdomain(s.Name))...)
	}
	for list, containers := range map[string][]corev1.Container{"initContainers": pod.InitContainers, "containers": pod.Containers} {
		for i := range containers {
			at := path.Child(list).Index(i)
			errs = append(errs, label(at.Child("name"), containers[i].Name)...)
			errs = append(errs, checkContainer(at, &containers[i], pod.Volumes)...)
		}
	}
	return errs
}

// A registry with a port, a path, and a tag or a digest.
var image = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$`)

// checkContainer checks everything of a container but its name, which Dynamo
// gives to the main one. Volumes are those of its pod.
func checkContainer(path *field.Path, c *corev1.Container, volumes []corev1.Volume) field.ErrorList {
	errs := checkEnv(path.Child("env"), c.Env)
	if !image.MatchString(c.Image) {
		errs = append(errs, field.Invalid(path.Child("image"), c.Image, "is no image reference"))
	}
	if c.ImagePullPolicy != "" {
		errs = append(errs, oneOf(path.Child("imagePullPolicy"), string(c.ImagePullPolicy), "Always", "IfNotPresent", "Never")...)
	}
	if c.WorkingDir != "" && !strings.HasPrefix(c.WorkingDir, "/") {
		errs = append(errs, field.Invalid(path.Child("workingDir"), c.WorkingDir, "is no absolute path"))
	}
	for name, words := range map[string][]string{"command": c.Command, "args": c.Args} {
		for i, word := range words {
			if word == "" {
				errs = append(errs, field.Required(path.Child(name).Index(i), ""))
			}
		}
	}
	for i, m := range c.VolumeMounts {
		at := path.Child("volumeMounts").Index(i)
		if !slices.ContainsFunc(volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
			errs = append(errs, field.NotFound(at.Child("name"), m.Name))
		}
		if !strings.HasPrefix(m.MountPath, "/") {
			errs = append(errs, field.Invalid(at.Child("mountPath"), m.MountPath, "is no absolute path"))
		}
	}
	for i, from := range c.EnvFrom {
		if (from.SecretRef == nil) == (from.ConfigMapRef == nil) {
			errs = append(errs, field.Invalid(path.Child("envFrom").Index(i), from, "needs a secretRef or a configMapRef"))
		}
	}
	return append(errs, checkResources(path.Child("resources"), c.Resources)...)
}

// checkResources checks that requests keep within limits, and that what
// Kubernetes cannot share out, such as rdma/ib, is requested as it is limited.
func checkResources(path *field.Path, r corev1.ResourceRequirements) field.ErrorList {
	var errs field.ErrorList
	for name, limit := range r.Limits {
		if limit.Sign() < 0 {
			errs = append(errs, field.Invalid(path.Child("limits").Key(string(name)), limit.String(), "is negative"))
		}
	}
	for name, request := range r.Requests {
		at := path.Child("requests").Key(string(name))
		limit, limited := r.Limits[name]
		shareable := !strings.Contains(string(name), "/")
		switch {
		case request.Sign() < 0:
			errs = append(errs, field.Invalid(at, request.String(), "is negative"))
		case limited && request.Cmp(limit) > 0:
			errs = append(errs, field.Invalid(at, request.String(), "is above the limit "+limit.String()))
		case !shareable && (!limited || request.Cmp(limit) != 0):
			errs = append(errs, field.Invalid(at, request.String(), "must equal the limit"))
		}
	}
	return errs
}

func checkEnv(path *field.Path, env []corev1.EnvVar) field.ErrorList {
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, e := range env {
		at := path.Index(i)
		errs = append(errs, invalid(at.Child("name"), e.Name, validation.IsEnvVarName(e.Name))...)
		if seen.Has(e.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), e.Name))
		}
		if e.Value != "" && e.ValueFrom != nil {
			errs = append(errs, field.Forbidden(at.Child("valueFrom"), "there is a value"))
		}
		seen.Insert(e.Name)
	}
	return errs
}

package deploytest

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func checkDeployment(d *DynamoGraphDeployment) field.ErrorList {
	errs := oneOf(spec.Child("backendFramework"), d.Spec.BackendFramework, "vllm", "trtllm", "sglang")
	claims := sets.New[string]()
	for i, pvc := range d.Spec.PVCs {
		at := spec.Child("pvcs").Index(i)
		errs = append(errs, invalid(at.Child("name"), pvc.Name, validation.IsDNS1123Subdomain(pvc.Name))...)
		if claims.Has(pvc.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), pvc.Name))
		}
		if pvc.Create && (pvc.Size == nil || pvc.StorageClass == "" || pvc.VolumeAccessMode == "") {
			errs = append(errs, field.Required(at, "size, storageClass and volumeAccessMode, since create is true"))
		}
		claims.Insert(pvc.Name)
	}
	if len(d.Spec.Services) == 0 {
		errs = append(errs, field.Required(spec.Child("services"), ""))
	}
	for name, s := range d.Spec.Services {
		at := spec.Child("services").Key(name)
		// Dynamo names what it makes of a service after both, in lower case.
		errs = append(errs, label(at, d.Metadata.Name+"-"+strings.ToLower(name))...)
		errs = append(errs, checkService(at, &s)...)
		errs = append(errs, checkMounts(at, &s, claims)...)
	}
	return errs
}

func checkService(path *field.Path, s *Service) field.ErrorList {
	errs := oneOf(path.Child("componentType"), s.ComponentType, "frontend", "worker")
	if s.SubComponentType != "" {
		errs = append(errs, oneOf(path.Child("subComponentType"), s.SubComponentType, "prefill", "decode")...)
	}
	if s.Replicas == nil || *s.Replicas < 0 {
		errs = append(errs, field.Invalid(path.Child("replicas"), s.Replicas, "needs a number of at least 0"))
	}
	if limit := s.Resources.Limits.GPU; limit != "" || s.ComponentType == "worker" {
		errs = append(errs, positive(path.Child("resources", "limits", "gpu"), limit)...)
	}
	if request := s.Resources.Requests.GPU; request != "" && request != s.Resources.Limits.GPU {
		errs = append(errs, field.Invalid(path.Child("resources", "requests", "gpu"), request, "must equal the limit"))
	}
	if m := s.SharedMemory; m != nil && m.Size.Sign() <= 0 {
		errs = append(errs, field.Invalid(path.Child("sharedMemory", "size"), m.Size.String(), "must be above 0"))
	}
	if s.EnvFromSecret != nil {
		errs = append(errs, invalid(path.Child("envFromSecret"), *s.EnvFromSecret, validation.IsDNS1123Subdomain(*s.EnvFromSecret))...)
	}
	if m := s.Multinode; m != nil && m.NodeCount < 2 {
		errs = append(errs, field.Invalid(path.Child("multinode", "nodeCount"), m.NodeCount, "must be 2 or more"))
	}
	errs = append(errs, checkEnv(path.Child("envs"), s.Envs)...)
	pod := path.Child("extraPodSpec")
	errs = append(errs, checkPod(pod, &s.ExtraPodSpec.PodSpec)...)
	return append(errs, checkContainer(pod.Child("mainContainer"), &s.ExtraPodSpec.MainContainer, s.ExtraPodSpec.Volumes)...)
}

// positive checks a whole number of things.
func positive(path *field.Path, count string) field.ErrorList {
	q, err := resource.ParseQuantity(count)
	if err != nil {
		return field.ErrorList{field.Invalid(path, count, err.Error())}
	}
	if n, whole := q.AsInt64(); !whole || n <= 0 {
		return field.ErrorList{field.Invalid(path, count, "must be a whole number above 0")}
	}
	return nil
}

// checkMounts checks that every mount names a claim, and that a service with
// mounts keeps its models there.
func checkMounts(path *field.Path, s *Service, claims sets.Set[string]) field.ErrorList {
	if len(s.VolumeMounts) == 0 {
		return nil
	}
	var errs field.ErrorList
	home := ""
	if i := slices.IndexFunc(s.Envs, func(e corev1.EnvVar) bool { return e.Name == "HF_HOME" }); i >= 0 {
		home = s.Envs[i].Value
	}
	mounted := false
	for i, m := range s.VolumeMounts {
		at := path.Child("volumeMounts").Index(i)
		if !claims.Has(m.Name) {
			errs = append(errs, field.NotFound(at.Child("name"), m.Name))
		}
		if !strings.HasPrefix(m.MountPoint, "/") {
			errs = append(errs, field.Invalid(at.Child("mountPoint"), m.MountPoint, "is no absolute path"))
		}
		mounted = mounted || m.MountPoint == home
	}
	if !mounted {
		errs = append(errs, field.Invalid(path.Child("envs").Key("HF_HOME"), home, "must be a mountPoint"))
	}
	return errs
}

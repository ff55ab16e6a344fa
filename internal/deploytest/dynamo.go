package deploytest

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DynamoGraphDeployment is the part of Dynamo's resource of that name (API
// nvidia.com/v1alpha1) that servegrid writes. The types hold no other field, so
// that a misspelled one cannot pass.
type DynamoGraphDeployment struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata `json:"metadata"`
	Spec            Spec     `json:"spec"`
}

// Metadata names a deployment. The namespace may be left to kubectl.
type Metadata struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
}

// Spec is a whole deployment.
type Spec struct {
	BackendFramework string             `json:"backendFramework"`
	PVCs             []PVC              `json:"pvcs"`
	Services         map[string]Service `json:"services"`
}

// PVC is a volume claim that services mount. Dynamo needs the last three fields
// when it is to create the claim.
type PVC struct {
	Name             string                            `json:"name"`
	Create           bool                              `json:"create"`
	Size             *resource.Quantity                `json:"size"`
	StorageClass     string                            `json:"storageClass"`
	VolumeAccessMode corev1.PersistentVolumeAccessMode `json:"volumeAccessMode"`
}

// Service is the frontend, or the workers of one role.
type Service struct {
	ComponentType    string          `json:"componentType"`
	SubComponentType string          `json:"subComponentType"`
	Replicas         *int32          `json:"replicas"`
	Resources        Resources       `json:"resources"`
	SharedMemory     *SharedMemory   `json:"sharedMemory"`
	VolumeMounts     []VolumeMount   `json:"volumeMounts"`
	Envs             []corev1.EnvVar `json:"envs"`
	EnvFromSecret    *string         `json:"envFromSecret"`
	Multinode        *Multinode      `json:"multinode"`
	LivenessProbe    *corev1.Probe   `json:"livenessProbe"`
	ReadinessProbe   *corev1.Probe   `json:"readinessProbe"`
	ExtraPodSpec     ExtraPodSpec    `json:"extraPodSpec"`
}

// Resources are the GPUs of one pod, as Dynamo's API has them: strings.
type Resources struct {
	Limits   GPUs `json:"limits"`
	Requests GPUs `json:"requests"`
}

// GPUs is a count of GPUs, empty when it is not set.
type GPUs struct {
	GPU string `json:"gpu"`
}

// SharedMemory sizes /dev/shm.
type SharedMemory struct {
	Size resource.Quantity `json:"size"`
}

// VolumeMount mounts a claim of [Spec.PVCs].
type VolumeMount struct {
	Name       string `json:"name"`
	MountPoint string `json:"mountPoint"`
}

// Multinode spreads one worker over nodes.
type Multinode struct {
	NodeCount int32 `json:"nodeCount"`
}

// ExtraPodSpec is merged into the pod that Dynamo makes.
type ExtraPodSpec struct {
	corev1.PodSpec `json:",inline"`
	MainContainer  corev1.Container `json:"mainContainer"`
}

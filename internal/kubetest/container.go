package kubetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/pkg/fieldpath"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

// command prepares the process of the pod's only container.
func (n *Node) command(ctx context.Context, pod *corev1.Pod) (*exec.Cmd, error) {
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.InitContainers) > 0 {
		return nil, fmt.Errorf("%d containers, want one", len(pod.Spec.Containers))
	}
	container := &pod.Spec.Containers[0]
	image, ok := n.Images[container.Image]
	if !ok {
		return nil, fmt.Errorf("no image %s", container.Image)
	}
	mounts, err := n.mounts(ctx, pod, container)
	if err != nil {
		return nil, err
	}
	env, err := n.environment(ctx, pod, container)
	if err != nil {
		return nil, err
	}
	// As the kubelet does: $(NAME) becomes the variable's value.
	variable := expansion.MappingFuncFor(env)
	var words []string
	for _, word := range append(container.Command, container.Args...) {
		words = append(words, mounts.local(expansion.Expand(word, variable)))
	}
	c := exec.Command(filepath.Join(image, words[0]), words[1:]...)
	c.Dir = n.dir
	c.Env = []string{"PATH=" + image, "HOSTNAME=" + pod.Spec.Hostname}
	for name, value := range env {
		c.Env = append(c.Env, name+"="+mounts.local(value))
	}
	return c, nil
}

// environment returns the container's variables.
func (n *Node) environment(ctx context.Context, pod *corev1.Pod, container *corev1.Container) (map[string]string, error) {
	env := map[string]string{}
	for _, from := range container.EnvFrom {
		secret, err := n.Client.CoreV1().Secrets(n.Namespace).Get(ctx, from.SecretRef.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for name, value := range secret.Data {
			env[name] = string(value)
		}
	}
	for _, e := range container.Env {
		env[e.Name] = expansion.Expand(e.Value, expansion.MappingFuncFor(env))
		if e.ValueFrom != nil {
			value, err := fieldpath.ExtractFieldPathAsString(pod, e.ValueFrom.FieldRef.FieldPath)
			if err != nil {
				return nil, err
			}
			env[e.Name] = value
		}
	}
	return env, nil
}

// mounted are the folders of a container's mounts, by path.
type mounted map[string]string

// local replaces the path of a mount at the beginning of a word, or of a flag's value.
func (m mounted) local(word string) string {
	flag, value, ok := strings.Cut(word, "=")
	if !ok || !strings.HasPrefix(flag, "--") {
		flag, value = "", word
	} else {
		flag += "="
	}
	for path, folder := range m {
		if value == path || strings.HasPrefix(value, path+"/") {
			return flag + folder + strings.TrimPrefix(value, path)
		}
	}
	return word
}

// mounts makes the folders of a pod's volumes.
func (n *Node) mounts(ctx context.Context, pod *corev1.Pod, container *corev1.Container) (mounted, error) {
	folders := map[string]string{}
	for _, v := range pod.Spec.Volumes {
		folder := filepath.Join(n.dir, string(pod.UID), v.Name)
		if v.PersistentVolumeClaim != nil {
			folder = filepath.Join(n.Claims, v.PersistentVolumeClaim.ClaimName)
		}
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
		folders[v.Name] = folder
		if v.ConfigMap == nil {
			continue
		}
		files, err := n.Client.CoreV1().ConfigMaps(n.Namespace).Get(ctx, v.ConfigMap.Name, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		for name, text := range files.Data {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				return nil, err
			}
		}
	}
	m := mounted{}
	for _, mount := range container.VolumeMounts {
		m[mount.MountPath] = folders[mount.Name]
	}
	return m, nil
}

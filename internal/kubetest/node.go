package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// Node stands in for the scheduler and for the kubelet of one node. Every pod of a
// namespace is bound to it, and the command of its container runs as a process with
// the pod's environment. An image is a folder with programs; a ConfigMap and an
// emptyDir become folders of the pod, a PersistentVolumeClaim a folder of the node.
// Processes share the file system, so where an argument or a variable begins with the
// path of a mount, it names the folder instead.
type Node struct {
	Client    *kubernetes.Clientset
	Namespace string
	Images    map[string]string // folder of an image's programs
	Claims    string            // folder of the claims

	// Started may be nil. It is told of every process, and may kill it.
	Started func(pod *corev1.Pod, process *os.Process)

	t       *testing.T
	dir     string
	mu      sync.Mutex
	running map[types.UID]*exec.Cmd
	known   map[types.UID]bool
	pods    sync.WaitGroup
}

// Run looks after pods until the test ends.
func (n *Node) Run(t *testing.T) {
	t.Helper()
	n.t, n.dir = t, t.TempDir()
	n.running, n.known = map[types.UID]*exec.Cmd{}, map[types.UID]bool{}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if err := n.look(ctx); err != nil && ctx.Err() == nil {
				t.Errorf("node: %v", err)
				return
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		n.mu.Lock()
		for _, c := range n.running {
			c.Process.Kill()
		}
		n.mu.Unlock()
		n.pods.Wait()
	})
}

// look watches the pods until the server ends the watch.
func (n *Node) look(ctx context.Context) error {
	events, err := n.Client.CoreV1().Pods(n.Namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	defer events.Stop()
	for e := range events.ResultChan() {
		pod, ok := e.Object.(*corev1.Pod)
		if !ok {
			return fmt.Errorf("watch: %v", e.Object)
		}
		if e.Type == watch.Deleted || pod.DeletionTimestamp != nil {
			n.kill(pod)
		}
		if e.Type == watch.Deleted || n.known[pod.UID] || pod.Status.Phase != corev1.PodPending {
			continue
		}
		n.known[pod.UID] = true
		n.pods.Go(func() {
			if err := n.serve(ctx, pod); err != nil && ctx.Err() == nil {
				n.t.Errorf("pod %s: %v", pod.Name, err)
			}
		})
	}
	return nil
}

func (n *Node) kill(pod *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if c := n.running[pod.UID]; c != nil {
		c.Process.Kill()
	}
}

// serve binds a pod, runs it, and reports how it ended.
func (n *Node) serve(ctx context.Context, pod *corev1.Pod) error {
	pods := n.Client.CoreV1().Pods(n.Namespace)
	err := pods.Bind(ctx, &corev1.Binding{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID}, Target: corev1.ObjectReference{Kind: "Node", Name: "kubetest"},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	c, err := n.command(ctx, pod)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(n.dir, string(pod.UID)+".log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return err
	}
	n.mu.Lock()
	n.running[pod.UID] = c
	n.mu.Unlock()
	if err := n.report(ctx, pod, corev1.PodRunning, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}); err != nil {
		return err
	}
	if n.Started != nil {
		n.Started(pod, c.Process)
	}
	err = c.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err
	}
	n.mu.Lock()
	delete(n.running, pod.UID)
	n.mu.Unlock()
	said, err := os.ReadFile(log.Name())
	if err != nil {
		return err
	}
	ended := &corev1.ContainerStateTerminated{FinishedAt: metav1.Now(), ExitCode: int32(c.ProcessState.ExitCode()), Message: string(said[max(0, len(said)-2048):])}
	phase := corev1.PodSucceeded
	if ended.ExitCode != 0 {
		phase = corev1.PodFailed
		if ended.ExitCode < 0 {
			ended.ExitCode = 137 // killed
		}
	}
	if err := n.report(ctx, pod, phase, corev1.ContainerState{Terminated: ended}); err != nil {
		return err
	}
	return n.release(ctx, pod)
}

// report sets the pod's status.
func (n *Node) report(ctx context.Context, pod *corev1.Pod, phase corev1.PodPhase, state corev1.ContainerState) error {
	pods := n.Client.CoreV1().Pods(n.Namespace)
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		now, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now.Status.Phase = phase
		now.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: pod.Spec.Containers[0].Name, Image: pod.Spec.Containers[0].Image, State: state, Ready: state.Running != nil}}
		_, err = pods.UpdateStatus(ctx, now, metav1.UpdateOptions{})
		return err
	})
}

// release ends the deletion of a pod that somebody deleted while it ran.
func (n *Node) release(ctx context.Context, pod *corev1.Pod) error {
	pods := n.Client.CoreV1().Pods(n.Namespace)
	now, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
	if err != nil || now.DeletionTimestamp == nil {
		return err
	}
	return pods.Delete(ctx, pod.Name, *metav1.NewDeleteOptions(0))
}

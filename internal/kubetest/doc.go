// Package kubetest runs what "servegrid jobs render" prints on a real control plane: etcd,
// kube-apiserver and kube-controller-manager, built from source, on loopback. A small
// program stands in for scheduler and kubelet: it binds pods and runs their commands
// as processes ([Node]).
//
// It is a module of its own, so that the two hundred modules behind Kubernetes stay out
// of the program's go.mod; it knows the program by its files only. "make test-k8s"
// builds and runs everything. Where the environment does not name the programs the
// tests skip.
package kubetest

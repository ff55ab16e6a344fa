package deploy

import (
	"fmt"
	"strings"
)

// File is one rendered file.
type File struct {
	Name    string // slash-separated, below the folder that it is rendered for
	Content []byte
	Exec    bool // a program
}

// claim is a PersistentVolumeClaim.
type claim struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		AccessModes  []string `yaml:"accessModes"`
		StorageClass string   `yaml:"storageClassName,omitempty"`
		Resources    struct {
			Requests struct {
				Storage string `yaml:"storage"`
			} `yaml:"requests"`
		} `yaml:"resources"`
	} `yaml:"spec"`
}

type secret struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Type       string   `yaml:"type"`
	StringData mapping  `yaml:"stringData"`
}

// tokenPlaceholder stands where the user's token goes.
const tokenPlaceholder = "REPLACE-WITH-YOUR-TOKEN"

// Prerequisites renders what a namespace needs before the deployment: the claim
// for models, the secret for the token, and how to check the rest. needsRDMA says
// whether any deployment beside it is disaggregated.
func (p *Plan) Prerequisites(needsRDMA bool) ([]File, error) {
	k := &p.settings.k8s
	var files []File
	if k.pvcName != "" && !k.pvcCreate {
		c := claim{APIVersion: "v1", Kind: "PersistentVolumeClaim", Metadata: p.metadata(k.pvcName)}
		c.Spec.AccessModes = []string{readWriteMany}
		c.Spec.StorageClass = k.pvcStorageClass
		c.Spec.Resources.Requests.Storage = k.pvcSize
		b, err := encode("Caches models, so that a restarted pod does not load them again.", c)
		if err != nil {
			return nil, err
		}
		files = append(files, File{Name: "model-cache-pvc.yaml", Content: b})
	}
	s := secret{APIVersion: "v1", Kind: "Secret", Metadata: p.metadata(k.hfTokenSecret), Type: "Opaque", StringData: mapping{{"HF_TOKEN", tokenPlaceholder}}}
	b, err := encode("Put your Hugging Face token in before you apply this; never commit it.", s)
	if err != nil {
		return nil, err
	}
	files = append(files, File{Name: "hf-token-secret.yaml", Content: b})
	return append(files, File{Name: "README.md", Content: []byte(p.readme(needsRDMA))}), nil
}

// readme says what a cluster needs.
func (p *Plan) readme(needsRDMA bool) string {
	k := &p.settings.k8s
	ns := ""
	if k.namespace != "" {
		ns = " -n " + k.namespace
	}
	var b strings.Builder
	b.WriteString("# Before you deploy\n\n")
	b.WriteString("The manifests are DynamoGraphDeployments: the cluster needs the Dynamo platform (operator and its custom resources).\n\n")
	fmt.Fprintf(&b, "1. **Token.** The workers read `HF_TOKEN` from the secret `%s`. Models that are not gated work with any value.\n\n", k.hfTokenSecret)
	fmt.Fprintf(&b, "       kubectl create secret generic %s%s --from-literal=HF_TOKEN=\"$HF_TOKEN\"\n\n", k.hfTokenSecret, ns)
	fmt.Fprintf(&b, "   or fill in and apply `hf-token-secret.yaml`.\n\n")
	if k.pvcName != "" {
		fmt.Fprintf(&b, "2. **Model cache.** The claim `%s` must allow ReadWriteMany; its storage class has to offer that. It is mounted at `%s`.\n\n", k.pvcName, k.pvcMountPath)
		if !k.pvcCreate {
			fmt.Fprintf(&b, "       kubectl apply%s -f model-cache-pvc.yaml\n\n", ns)
		}
	} else {
		b.WriteString("2. **Model cache.** None: every pod loads the model when it starts.\n\n")
	}
	b.WriteString("3. **ETCD and NATS.** Workers find each other through both. They come with the Dynamo platform; without them requests end in\n   \"Context stopped or killed\".\n\n")
	if needsRDMA {
		fmt.Fprintf(&b, "4. **RDMA**, for disaggregated deployments: InfiniBand or RoCE, and a device plugin that offers `%s`.\n\n", p.settings.k8s.rdmaResource)
		fmt.Fprintf(&b, "       kubectl get nodes -o jsonpath='{.items[*].status.allocatable}' | grep -c %s\n\n", ShellWord(p.settings.k8s.rdmaResource))
		b.WriteString("   Without it the KV cache travels over TCP and the first token takes tens of seconds. How to see that it is in use:\n\n")
		b.WriteString("       servegrid explain rdma\n\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

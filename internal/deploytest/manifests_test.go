package deploytest

import (
	"os"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
)

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestManifests(t *testing.T) {
	deployment := Manifests(t, []byte(read(t, "deployment.yaml")))[0].(*DynamoGraphDeployment)
	worker := deployment.Spec.Services["TRTLLMDecodeWorker"]
	if got := worker.ExtraPodSpec.MainContainer.Args; !slices.Equal(got, []string{"--tensor-parallel-size", "8"}) {
		t.Errorf("args %q", got)
	}
	if got := worker.ExtraPodSpec.Volumes[0].Name; got != "engine" {
		t.Errorf("volume %q", got)
	}
	if *worker.Replicas != 2 || worker.Resources.Limits.GPU != "8" || worker.SharedMemory.Size.String() != "80Gi" {
		t.Errorf("worker %+v", worker)
	}

	objects := Manifests(t, []byte(read(t, "objects.yaml")))
	if len(objects) != 5 {
		t.Fatalf("%d objects", len(objects))
	}
	script := objects[0].(*batchv1.Job).Spec.Template.Spec.Containers[0].Args[0]
	if !strings.Contains(script, "\n---\n") {
		t.Errorf("the script lost its dashes: %q", script)
	}
}

// Each damage to a good file is found, and the message names the place.
func TestDamage(t *testing.T) {
	tests := []struct {
		name, file, old, new, want string
	}{
		// Decoding.
		{"unknown field", "deployment.yaml", "replicas: 2", "replicas: 2\n      colour: red", `unknown field "spec.services.TRTLLMDecodeWorker.colour"`},
		{"unknown field of the spec", "deployment.yaml", "  pvcs:", "  pvc:", `unknown field "spec.pvc"`},
		{"unknown field of metadata", "deployment.yaml", "  namespace: serving", "  nameSpace: serving", `unknown field "metadata.nameSpace"`},
		{"letter case", "deployment.yaml", "mountPoint", "mountpoint", `unknown field`},
		{"field of a container", "deployment.yaml", "mountPath: /workspace/engine", "mountPoint: /workspace/engine", `unknown field "spec.services.TRTLLMDecodeWorker.extraPodSpec.mainContainer.volumeMounts[0].mountPoint"`},
		{"field of a pod", "deployment.yaml", "        volumes:\n", "        volume:\n", `extraPodSpec.volume"`},
		{"pod field on the service", "deployment.yaml", "componentType: frontend", "componentType: frontend\n      nodeSelector: {a: b}", `nodeSelector"`},
		{"twice", "deployment.yaml", "replicas: 2", "replicas: 2\n      replicas: 3", `"replicas" already set`},
		{"number for text", "deployment.yaml", `- "8"`, "- 8", "args of type string"},
		{"number of GPUs", "deployment.yaml", `gpu: "8"`, "gpu: 8", "gpu of type string"},
		{"boolean for text", "deployment.yaml", "          value: /models", "          value: true", "value of type string"},
		{"quantity", "deployment.yaml", "80Gi", "80 GiB", "quantities must match"},
		{"container quantity", "deployment.yaml", `rdma/ib: "8"`, `rdma/ib: eight`, "quantities must match"},
		{"null", "deployment.yaml", "name: chat-disagg", "name:", "metadata.name: null"},
		{"null word", "deployment.yaml", "namespace: serving", `namespace: "null"`, `metadata.namespace: the text "null"`},
		{"None", "deployment.yaml", "team/runtime:1.2", "team/runtime:None", `the text "None"`},
		{"None in a host", "objects.yaml", "echo start", "curl http://chat.None.svc", `the text "None"`},
		{"empty namespace", "deployment.yaml", "namespace: serving", `namespace: ""`, "metadata.namespace: empty"},
		{"kind", "objects.yaml", "kind: Job", "kind: Jobs", `kind "Jobs"`},
		{"version", "objects.yaml", "apiVersion: v1\nkind: Secret", "apiVersion: v2\nkind: Secret", `"v2"`},
		{"unknown field of a Job", "objects.yaml", "backoffLimit", "backofLimit", `unknown field "spec.backofLimit"`},
		{"base64", "objects.yaml", "c2VjcmV0", "c2Vj!", "base64"},
		{"no YAML", "objects.yaml", "kind: Job", "kind: [", "yaml"},

		// Rules of Dynamo.
		{"name", "deployment.yaml", "chat-disagg", "Chat_disagg", "metadata.name"},
		{"long name", "deployment.yaml", "chat-disagg", strings.Repeat("a", 64), "metadata.name"},
		{"long name with the service", "deployment.yaml", "chat-disagg", strings.Repeat("a", 50), "spec.services[TRTLLMDecodeWorker]"},
		{"namespace", "deployment.yaml", "serving", "Serving", "metadata.namespace"},
		{"backend", "deployment.yaml", "backendFramework: trtllm", "backendFramework: tensorrt", "spec.backendFramework"},
		{"no backend", "deployment.yaml", "  backendFramework: trtllm\n", "", "spec.backendFramework"},
		{"component", "deployment.yaml", "componentType: worker", "componentType: decode", "componentType"},
		{"subcomponent", "deployment.yaml", "subComponentType: decode", "subComponentType: worker", "subComponentType"},
		{"replicas", "deployment.yaml", "replicas: 2", "replicas: -1", "replicas"},
		{"no replicas", "deployment.yaml", "      replicas: 2\n", "", "replicas"},
		{"no GPUs", "deployment.yaml", "      resources:\n        limits:\n          gpu: \"8\"\n        requests:\n          gpu: \"8\"\n", "", "resources.limits.gpu"},
		{"half a GPU", "deployment.yaml", `gpu: "8"`, `gpu: "0.5"`, "whole number"},
		{"requested GPUs", "deployment.yaml", "requests:\n          gpu: \"8\"", "requests:\n          gpu: \"4\"", "requests.gpu"},
		{"one node", "deployment.yaml", "nodeCount: 2", "nodeCount: 1", "nodeCount"},
		{"no shared memory", "deployment.yaml", "size: 80Gi", `size: "0"`, "sharedMemory.size"},
		{"secret", "deployment.yaml", "envFromSecret: token", "envFromSecret: Token", "envFromSecret"},
		{"claim", "deployment.yaml", "    - name: weights\n      create", "    - name: other\n      create", "volumeMounts[0].name"},
		{"claim to create", "deployment.yaml", "create: false", "create: true", "spec.pvcs[0]"},
		{"two claims", "deployment.yaml", "      create: false", "      create: false\n    - name: weights", "spec.pvcs[1].name"},
		{"HF_HOME", "deployment.yaml", "          value: /models", "          value: /model", "envs[HF_HOME]"},
		{"no HF_HOME", "deployment.yaml", "name: HF_HOME", "name: HOME", "envs[HF_HOME]"},
		{"mount point", "deployment.yaml", "mountPoint: /models", "mountPoint: models", "mountPoint"},

		// Rules of Kubernetes.
		{"no image", "deployment.yaml", "          image: registry.example:5000/team/runtime:1.2\n          imagePull", "          imagePull", "mainContainer.image"},
		{"image without a tag", "deployment.yaml", "runtime:1.2", `"runtime:"`, "mainContainer.image"},
		{"pull policy", "deployment.yaml", "IfNotPresent", "ifNotPresent", "imagePullPolicy"},
		{"pull secret", "deployment.yaml", "- name: registry", "- name: Registry", "imagePullSecrets[0].name"},
		{"working directory", "deployment.yaml", "workingDir: /workspace", "workingDir: workspace", "workingDir"},
		{"empty argument", "deployment.yaml", `- "8"`, `- ""`, "args[1]"},
		{"RDMA requested", "deployment.yaml", "requests:\n              rdma/ib: \"8\"", "requests:\n              rdma/ib: \"4\"", "must equal the limit"},
		{"negative limit", "deployment.yaml", `rdma/ib: "8"`, `rdma/ib: "-8"`, "is negative"},
		{"variable", "deployment.yaml", "name: HF_HOME", "name: HF=HOME", "envs[0].name"},
		{"variable twice", "deployment.yaml", "      livenessProbe:", "        - name: HF_HOME\n          value: /x\n      livenessProbe:", "envs[1].name"},
		{"pod volume", "deployment.yaml", "          - name: engine\n            emptyDir: {}", "          - name: motor\n            emptyDir: {}", "mainContainer.volumeMounts[0].name"},
		{"volume without a source", "deployment.yaml", "            emptyDir: {}\n", "", "a source"},
		{"job name", "objects.yaml", "name: benchmark\nspec", "name: bench.mark\nspec", "metadata.name"},
		{"restart policy", "objects.yaml", "restartPolicy: Never", "restartPolicy: Always", "spec.template.spec.restartPolicy"},
		{"no containers", "objects.yaml", "      containers:\n        - name: benchmark", "      initContainers:\n        - name: benchmark", "spec.template.spec.containers"},
		{"no container name", "objects.yaml", "- name: benchmark\n          image", "- image", "containers[0].name"},
		{"claim of a job", "objects.yaml", "        - name: results\n          persistent", "        - name: result\n          persistent", "containers[0].volumeMounts[0].name"},
		{"source of variables", "objects.yaml", "            - secretRef:\n                name: token\n                optional: true", "            - prefix: A_", "envFrom[0]"},
		{"schedule", "objects.yaml", "30 2 * * *", "nightly", "spec.schedule"},
		{"cron job name", "objects.yaml", "name: nightly", "name: " + strings.Repeat("n", 53), "may not be more than 52"},
		{"job of a cron job", "objects.yaml", "restartPolicy: OnFailure", "restartPolicy: Always", "spec.jobTemplate.spec.template.spec.restartPolicy"},
		{"request above the limit", "objects.yaml", "cpu: 500m", "cpu: 5", "above the limit"},
		{"secret key", "objects.yaml", "HF_TOKEN: secret", "HF TOKEN: secret", "stringData"},
		{"data key", "objects.yaml", "other: c2Vj", "o/ther: c2Vj", "data"},
		{"config key", "objects.yaml", "agg.yaml:", "agg/yaml:", "data"},
		{"access modes", "objects.yaml", "  accessModes: [ReadWriteMany]\n", "", "spec.accessModes"},
		{"no storage", "objects.yaml", "storage: 10Gi", `storage: "0"`, "storage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			good := read(t, test.file)
			damaged := strings.ReplaceAll(good, test.old, test.new)
			if damaged == good {
				t.Fatalf("%q is not in %s", test.old, test.file)
			}
			err := first(damaged)
			if err == nil {
				t.Fatal("not found")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
		})
	}
}

// first returns the first mistake of a file.
func first(file string) error {
	documents, err := Split([]byte(file))
	for _, document := range documents {
		object, err := Decode(document)
		if err == nil {
			err = Check(object)
		}
		if err != nil {
			return err
		}
	}
	return err
}

func TestCheckEmpty(t *testing.T) {
	if err := Check(new(DynamoGraphDeployment)); err == nil || !strings.Contains(err.Error(), "spec.services: Required") {
		t.Errorf("a deployment of nothing: %v", err)
	}
	if err := Check("text"); err == nil {
		t.Error("a string is no object")
	}
}

// No file makes the splitter, the decoder or the rules panic.
func FuzzManifests(f *testing.F) {
	f.Add(read(f, "deployment.yaml"))
	f.Add(read(f, "objects.yaml"))
	f.Add("---\n")
	f.Fuzz(func(t *testing.T, file string) { _ = first(file) })
}

package kubetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	sigsyaml "sigs.k8s.io/yaml"
)

// Create sends every document of a file to the API server as it is, to be validated
// strictly. dryRun stores nothing.
func Create(ctx context.Context, client *kubernetes.Clientset, namespace string, file []byte, dryRun bool) error {
	options := &metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
	if dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	for r := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(file))); ; {
		document, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var kind metav1.TypeMeta
		if err := sigsyaml.Unmarshal(document, &kind); err != nil {
			return err
		}
		var to rest.Interface
		resource := ""
		switch kind.Kind {
		case "ConfigMap":
			to, resource = client.CoreV1().RESTClient(), "configmaps"
		case "Job":
			to, resource = client.BatchV1().RESTClient(), "jobs"
		case "CronJob":
			to, resource = client.BatchV1().RESTClient(), "cronjobs"
		default:
			return fmt.Errorf("no place for a %s", kind.Kind)
		}
		err = to.Post().Namespace(namespace).Resource(resource).VersionedParams(options, scheme.ParameterCodec).
			SetHeader("Content-Type", "application/yaml").Body(document).Do(ctx).Error()
		if err != nil {
			return fmt.Errorf("%s: %w", kind.Kind, err)
		}
	}
}

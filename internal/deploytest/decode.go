package deploytest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	strictjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// kinds maps apiVersion and kind to a new object of the type they stand for.
var kinds = map[metav1.TypeMeta]func() any{
	{APIVersion: "batch/v1", Kind: "Job"}:                              func() any { return new(batchv1.Job) },
	{APIVersion: "batch/v1", Kind: "CronJob"}:                          func() any { return new(batchv1.CronJob) },
	{APIVersion: "v1", Kind: "ConfigMap"}:                              func() any { return new(corev1.ConfigMap) },
	{APIVersion: "v1", Kind: "PersistentVolumeClaim"}:                  func() any { return new(corev1.PersistentVolumeClaim) },
	{APIVersion: "v1", Kind: "Secret"}:                                 func() any { return new(corev1.Secret) },
	{APIVersion: "nvidia.com/v1alpha1", Kind: "DynamoGraphDeployment"}: func() any { return new(DynamoGraphDeployment) },
}

// Manifests returns the objects of a YAML file, decoded with [Decode] and passed
// by [Check]. A file with a mistake fails the test.
func Manifests(t testing.TB, file []byte) []any {
	t.Helper()
	documents, err := Split(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) == 0 {
		t.Fatal("no manifest in the file")
	}
	var objects []any
	for i, document := range documents {
		object, err := Decode(document)
		if err == nil {
			err = Check(object)
		}
		if err != nil {
			t.Fatalf("document %d: %v\n%s", i+1, err, document)
		}
		objects = append(objects, object)
	}
	return objects
}

// Split returns the documents of a YAML file, as kubectl splits it; those without
// content are left out.
func Split(file []byte) ([][]byte, error) {
	var documents [][]byte
	for r := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(file))); ; {
		document, err := r.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		} else if err != nil {
			return nil, err
		}
		var content any
		if err := yaml.Unmarshal(document, &content); err != nil {
			return nil, err
		}
		if content != nil {
			documents = append(documents, document)
		}
	}
}

// Decode returns the object of one YAML document: a pointer to a type of
// k8s.io/api or to a [DynamoGraphDeployment]. Unknown fields (upper and lower
// case count), keys given twice, values of another type, nulls, texts that look
// like a null written by accident, and an empty namespace are errors.
func Decode(document []byte) (any, error) {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	var content any
	if err := json.Unmarshal(text, &content); err != nil {
		return nil, err
	}
	if err := refuseNulls("", content); err != nil {
		return nil, err
	}
	var kind metav1.TypeMeta
	if err := json.Unmarshal(text, &kind); err != nil {
		return nil, err
	}
	create, ok := kinds[kind]
	if !ok {
		return nil, fmt.Errorf("unknown apiVersion %q with kind %q", kind.APIVersion, kind.Kind)
	}
	object := create()
	strict, err := strictjson.UnmarshalStrict(text, object)
	if err := errors.Join(append(strict, err)...); err != nil {
		return nil, err
	}
	return object, nil
}

// What a missing value becomes when a program prints it. (A script may well
// write to /dev/null.)
var nullText = regexp.MustCompile(`\b(None|null)\b|<nil>|<no value>`)

func refuseNulls(path string, content any) error {
	switch v := content.(type) {
	case nil:
		return fmt.Errorf("%s: null", path)
	case string:
		if v == "" && strings.HasSuffix(path, ".namespace") {
			return fmt.Errorf("%s: empty", path)
		}
		if found := nullText.FindString(strings.ReplaceAll(v, "/dev/null", "")); found != "" {
			return fmt.Errorf("%s: the text %q in %q", path, found, v)
		}
	case []any:
		for i, element := range v {
			if err := refuseNulls(fmt.Sprintf("%s[%d]", path, i), element); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if err := refuseNulls(strings.TrimPrefix(path+"."+key, "."), v[key]); err != nil {
				return err
			}
		}
	}
	return nil
}

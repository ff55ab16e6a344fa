package deploy

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Files renders the folder of the deployment, but for its prediction. origin
// says in generator_config.yaml what the deployment is.
func (p *Plan) Files(origin string) ([]File, error) {
	var files []File
	add := func(name string, content []byte, err error) error {
		files = append(files, File{Name: name, Content: content})
		return err
	}
	b, err := p.manifest()
	if err := add("k8s_deploy.yaml", b, err); err != nil {
		return nil, err
	}
	for i := range p.Roles {
		b, err := p.engineFile(&p.Roles[i])
		if err := add(configName(p.Roles[i].Name), b, err); err != nil {
			return nil, err
		}
	}
	b, err = p.benchJob()
	if err := add("k8s_bench.yaml", b, err); err != nil {
		return nil, err
	}
	files = append(files, File{"bench_run.sh", []byte(p.benchRun()), true})
	for i, instances := range p.nodes() {
		files = append(files, File{fmt.Sprintf("run_%d.sh", i), []byte(p.runScript(i, instances)), true})
	}
	b, err = p.generatorConfig(origin)
	if err := add("generator_config.yaml", b, err); err != nil {
		return nil, err
	}
	return files, nil
}

// generatorConfig renders every resolved value under the keys that override it.
// Fed back with --generator-config it gives the same folder. A token is left out.
func (p *Plan) generatorConfig(origin string) ([]byte, error) {
	m := &mapping{}
	m.set(modeKey, p.choice.Mode)
	for i := range keys {
		k := &keys[i]
		if k.path == "ServiceConfig.hf_token" || k.backend != "" && k.backend != p.Backend {
			continue
		}
		if v, ok := k.value(&p.settings); ok {
			m.set(k.path, v)
		}
	}
	for i := range p.Roles {
		if err := p.Roles[i].config(m); err != nil {
			return nil, err
		}
	}
	return encode(origin, m)
}

// value returns the value of a key to write down, and false when there is none.
func (k *key) value(s *settings) (any, bool) {
	switch v := k.field(s).(type) {
	case *string:
		return *v, *v != "" || k.lit != ""
	case *int:
		return *v, *v > 0 || k.lit != ""
	case *float64:
		return *v, *v > 0
	case *bool:
		return *v, true
	case *yaml.Node:
		return v, v.Kind != 0
	case *envVars:
		return []EnvVar(*v), len(*v) > 0
	default:
		return v, true
	}
}

// config adds the engine parameters of a role, and what the user added to them.
func (r *Role) config(m *mapping) error {
	for i := range params {
		name := params[i].name
		v, said := r.values[name]
		if !said {
			continue
		}
		if list, ok := v.([]int); ok {
			n, err := flow(list)
			if err != nil {
				return err
			}
			v = n
		}
		m.set(workerPath(r.Name, name), v)
	}
	for _, o := range r.extra {
		v := o.value
		if v == nil {
			v = true
		}
		m.set(workerPath(r.Name, strings.ReplaceAll(o.name, "-", "_")), v)
	}
	if len(r.cliArgs) > 0 {
		m.set(workerPath(r.Name, extraCLIArgs), slices.Clone(r.cliArgs))
	}
	if r.engineArgs != nil {
		m.set(workerPath(r.Name, extraEngineArgs), r.engineArgs)
	}
	return nil
}

// job is a Kubernetes Job.
type job struct {
	APIVersion string   `yaml:"apiVersion"`
	Kind       string   `yaml:"kind"`
	Metadata   metadata `yaml:"metadata"`
	Spec       struct {
		BackoffLimit int `yaml:"backoffLimit"`
		Template     struct {
			Spec jobPod `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type jobPod struct {
	RestartPolicy string         `yaml:"restartPolicy"`
	Containers    []jobContainer `yaml:"containers"`
	Volumes       []volume       `yaml:"volumes,omitempty"`
}

type jobContainer struct {
	Name         string        `yaml:"name"`
	Image        string        `yaml:"image"`
	EnvFrom      []envFrom     `yaml:"envFrom"`
	Env          []EnvVar      `yaml:"env"`
	VolumeMounts []volumeMount `yaml:"volumeMounts,omitempty"`
	Command      []*yaml.Node  `yaml:"command"`
}

type envFrom struct {
	SecretRef struct {
		Name     string `yaml:"name"`
		Optional bool   `yaml:"optional"`
	} `yaml:"secretRef"`
}

// benchJob renders k8s_bench.yaml.
func (p *Plan) benchJob() ([]byte, error) {
	k, b := &p.settings.k8s, &p.settings.bench
	j := job{APIVersion: "batch/v1", Kind: "Job", Metadata: p.metadata(b.name)}
	c := jobContainer{Name: "aiperf", Image: b.image, EnvFrom: make([]envFrom, 1)}
	c.EnvFrom[0].SecretRef.Name, c.EnvFrom[0].SecretRef.Optional = k.hfTokenSecret, true
	c.Env = []EnvVar{{"AIPERF_SERVICE_PROFILE_START_TIMEOUT", fmt.Sprint(b.startTimeout)}}
	for _, text := range []string{"/bin/bash", "-c"} {
		c.Command = append(c.Command, &yaml.Node{Kind: yaml.ScalarNode, Value: text})
	}
	c.Command = append(c.Command, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.LiteralStyle, Value: p.benchScript()})
	spec := &j.Spec.Template.Spec
	if k.pvcName != "" {
		c.Env = append(c.Env, EnvVar{"HF_HOME", k.hfHome})
		c.VolumeMounts = []volumeMount{{Name: k.pvcName, MountPath: k.pvcMountPath}}
		spec.Volumes = []volume{{Name: k.pvcName, Claim: &claimName{k.pvcName}}}
	}
	spec.RestartPolicy, spec.Containers = "Never", []jobContainer{c}
	return encode("", j)
}

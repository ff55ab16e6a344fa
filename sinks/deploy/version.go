package deploy

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"servegrid/internal/lazyregexp"
)

// engineVersion is a version as engines number themselves: 1.2.0rc6.post1.
type engineVersion struct{ major, minor, patch, rc, post int }

// released stands for a version without rc: it is newer than any candidate.
const released = 1 << 20

var versionPattern = lazyregexp.New(`^v?(\d+)\.(\d+)(?:\.(\d+))?(?:rc(\d+))?(?:\.post(\d+))?$`)

func parseVersion(s string) (engineVersion, error) {
	m := versionPattern.FindStringSubmatch(s)
	if m == nil {
		return engineVersion{}, fmt.Errorf("%q is not a version such as 0.12.0 or 1.2.0rc5", s)
	}
	n := [5]int{3: released}
	for i, part := range m[1:] {
		if part != "" {
			n[i], _ = strconv.Atoi(part)
		}
	}
	return engineVersion{n[0], n[1], n[2], n[3], n[4]}, nil
}

// mustVersion is for the constants of this package.
func mustVersion(s string) engineVersion {
	v, err := parseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

func (v engineVersion) compare(o engineVersion) int {
	return cmp.Or(cmp.Compare(v.major, o.major), cmp.Compare(v.minor, o.minor), cmp.Compare(v.patch, o.patch), cmp.Compare(v.rc, o.rc), cmp.Compare(v.post, o.post))
}

// before reports whether v is older than a version of this package.
func (v engineVersion) before(s string) bool { return v.compare(mustVersion(s)) < 0 }

// dynamoRelease is a release of Dynamo with the engines that its images carry.
type dynamoRelease struct{ version, vllm, sglang, trtllm string }

func (r *dynamoRelease) engine(backend string) string {
	switch backend {
	case vLLM:
		return r.vllm
	case sgLang:
		return r.sglang
	default:
		return r.trtllm
	}
}

// dynamoReleases is in rising order.
// Source: the release matrix of AIConfigurator 0.12.0.
var dynamoReleases = []dynamoRelease{
	{"0.6.0", "0.11.0", "0.5.3.post2", "1.1.0rc5"},
	{"0.6.1", "0.11.0", "0.5.3.post2", "1.1.0rc5"},
	{"0.6.1.post1", "0.11.0", "0.5.3.post2", "1.1.0rc5"},
	{"0.7.0", "0.11.0", "0.5.4.post3", "1.2.0rc2"},
	{"0.7.0.post1", "0.11.0", "0.5.4.post3", "1.2.0rc3"},
	{"0.7.1", "0.11.0", "0.5.4.post3", "1.2.0rc3"},
	{"0.8.0", "0.12.0", "0.5.6.post2", "1.2.0rc6.post1"},
	{"0.8.1", "0.12.0", "0.5.6.post2", "1.2.0rc6.post1"},
	{"0.8.1.post1", "0.12.0", "0.5.6.post2", "1.2.0rc6.post1"},
	{"0.9.0", "0.14.1", "0.5.8", "1.3.0rc1"},
	{"1.0.0", "0.16.0", "0.5.9", "1.3.0rc5.post1"},
	{"1.1.0", "0.19.0", "0.5.10.post1", "1.3.0rc11"},
	{"1.2.0", "0.20.1", "0.5.11", "1.3.0rc14"},
	{"1.3.0", "0.24.0", "0.5.16", "1.3.0rc23"},
}

// defaultRelease runs what has no engine version, such as an estimate without
// measurements. It is the release of the published figures.
const defaultRelease = "0.8.0"

// DynamoVersions lists the known releases of Dynamo, oldest first.
func DynamoVersions() []string {
	v := make([]string, len(dynamoReleases))
	for i := range dynamoReleases {
		v[i] = dynamoReleases[i].version
	}
	return v
}

func findRelease(version string) *dynamoRelease {
	i := slices.IndexFunc(dynamoReleases, func(r dynamoRelease) bool { return r.version == version })
	if i < 0 {
		return nil
	}
	return &dynamoReleases[i]
}

// releaseFor returns the first release that carries an engine version, or else
// the first that carries a newer one of the same major line, or else the newest.
func releaseFor(backend string, v engineVersion) *dynamoRelease {
	for i := range dynamoReleases {
		if mustVersion(dynamoReleases[i].engine(backend)) == v {
			return &dynamoReleases[i]
		}
	}
	for i := range dynamoReleases {
		if have := mustVersion(dynamoReleases[i].engine(backend)); have.major == v.major && have.compare(v) > 0 {
			return &dynamoReleases[i]
		}
	}
	return &dynamoReleases[len(dynamoReleases)-1]
}

// imageName is the container image of a backend without its tag.
var imageName = map[string]string{
	vLLM:   "nvcr.io/nvidia/ai-dynamo/vllm-runtime",
	trtLLM: "nvcr.io/nvidia/ai-dynamo/tensorrtllm-runtime",
	sgLang: "nvcr.io/nvidia/ai-dynamo/sglang-runtime",
}

// trtDialects are the engine versions at which TensorRT-LLM's file changed,
// rising. A file is written in the newest that is not newer than the engine.
var trtDialects = []string{"0.20.0", "1.0.0rc3", "1.0.0rc4", "1.0.0rc7", "1.2.0rc5"}

// Runtime is what a deployment runs on: the engine version that its files are
// written for and the image that carries it.
type Runtime struct {
	Data    string // engine version behind the prediction
	Target  string // engine version that the options are for
	Dialect string // form of the engine file
	Dynamo  string // release of the image
	Image   string
	Note    string // where these differ; "" = they agree

	target engineVersion
}

// RuntimeOptions choose another runtime than the one that fits the data.
type RuntimeOptions struct {
	ConfigVersion string // engine version to write for; "" = by the other two
	DynamoVersion string // release to run; "" = by the engine version
}

// Check reports versions that are not known.
func (o RuntimeOptions) Check() error {
	if o.ConfigVersion != "" {
		if _, err := parseVersion(o.ConfigVersion); err != nil {
			return err
		}
	}
	if o.DynamoVersion != "" && findRelease(o.DynamoVersion) == nil {
		return fmt.Errorf("dynamo version %q is not known", o.DynamoVersion)
	}
	return nil
}

// newRuntime chooses the runtime of a backend.
func newRuntime(backend, data string, o RuntimeOptions) (Runtime, error) {
	if err := o.Check(); err != nil {
		return Runtime{}, err
	}
	r := Runtime{Data: data, Target: data}
	release := findRelease(o.DynamoVersion)
	_, err := parseVersion(data)
	measured := err == nil
	if !measured {
		if release == nil {
			release = findRelease(defaultRelease)
		}
		r.Target = release.engine(backend)
	}
	if o.ConfigVersion != "" {
		r.Target = o.ConfigVersion
	} else if o.DynamoVersion != "" {
		r.Target = release.engine(backend)
	}
	if r.target, err = parseVersion(r.Target); err != nil {
		return Runtime{}, err
	}
	if release == nil {
		release = releaseFor(backend, r.target)
	}
	r.Dynamo = release.version
	r.Image = imageName[backend] + ":" + release.version
	r.Dialect = r.Target
	if backend == trtLLM {
		r.Dialect = trtDialects[0]
		for _, d := range trtDialects {
			if !r.target.before(d) {
				r.Dialect = d
			}
		}
	}
	if carried := release.engine(backend); measured && carried != data {
		r.Note = fmt.Sprintf("predicted for %s %s, while Dynamo %s carries %s", backend, data, release.version, carried)
	}
	return r, nil
}

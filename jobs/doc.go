// Package jobs reads the sweep file: the YAML that says which models, systems,
// backends, versions, GPU counts and workloads a sweep scores, and by which
// rules.
//
// [Parse] resolves a file into a [Spec]: "all" becomes names, ranges become
// numbers, missing keys get their defaults. It works on YAML nodes rather than
// on struct tags, so that every [Mistake] knows its line and all of them are
// reported at once.
//
// [ParseExperiments] does the same for the experiment file: questions by name, each
// with what it narrows. [ExperimentsYAML] writes one.
//
// What is installed (models, systems, backends, versions) comes in as a
// [Known]: the package does not know how a shard is scored.
package jobs

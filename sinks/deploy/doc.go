// Package deploy renders a chosen serving configuration as the files that run
// it: a DynamoGraphDeployment for Kubernetes, the configuration of the engine,
// launch scripts for bare machines, and a benchmark that measures what was
// predicted.
//
// The road is one-way. A [Choice] says what the search chose. [Resolve] adds
// defaults and the user's [Overrides] and gives a [Plan], in which every value is
// final. [Plan.Files] renders it. Each rule stands in one place: what a role's
// engine is told in rules.go, how an engine spells it in params.go, what a user may
// override in keys.go, which container image runs it in image.go.
//
// The manifest, the engine file and the launch script are three renderings of one
// list of engine options, so that they cannot disagree. The same choice gives the
// same bytes.
//
// The package knows nothing of how a configuration was found or scored.
package deploy

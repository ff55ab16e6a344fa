// Package deploytest helps tests prove that generated files work where they are
// meant to: manifests decode strictly into the types that Kubernetes itself
// uses and keep its rules, and scripts pass bash and shellcheck. No cluster is
// needed. Only tests import it, so that the program does not grow.
package deploytest

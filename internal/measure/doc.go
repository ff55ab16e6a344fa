// Package measure compares a prediction with what a benchmark measured.
//
// A [Prediction] is what prediction.json holds; it lies beside the deployment
// that it predicts. A [Result] is what AIPerf exported, read from its JSON, from
// the log of the pod that ran it, or from a folder with one export per
// concurrency. [Compare] puts the two side by side. A [Transport] is what the logs
// of disaggregated workers tell about RDMA.
//
// Times are in ms, throughput in requests or tokens per second over all replicas.
package measure

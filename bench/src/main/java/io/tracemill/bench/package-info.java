/** Benchmarks; never published, nothing depends on them. May depend on everything. */
package io.tracemill.bench;

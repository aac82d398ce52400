/**
 * Evaluations: a grid of KV policies and temperatures over a graded set of problems, generated as
 * one run and summed up in a table. Depends on {@code job.run} and what that depends on, {@code
 * job.stats} and {@code job.eval.result}.
 */
package io.tracemill.job.eval;

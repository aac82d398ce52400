/**
 * Reading a table of prompts: six formats become one shape with a key, a prompt or a conversation,
 * and the other columns carried along; whole-run checks on it; rows as work for a feeder. Depends
 * on {@code udf}, {@code udf.prompt} and {@code job.error}.
 */
package io.tracemill.job.input;

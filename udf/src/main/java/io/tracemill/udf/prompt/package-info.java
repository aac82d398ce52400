/**
 * What a cell of a table asks: a text or a conversation as the engine's prompt, or the sentence
 * that says why it is none. Depends on {@code engine.api} and on Spark's rows.
 */
package io.tracemill.udf.prompt;

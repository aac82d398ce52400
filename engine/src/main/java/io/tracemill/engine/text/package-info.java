/**
 * From rows to token ids and back: tokenizer, chat template, incremental decoding, stop strings,
 * and the parts of a finished output. Floor 2: depends on {@code engine.api}, {@code engine.error}
 * and its own {@code text.jinja}.
 */
package io.tracemill.engine.text;

/**
 * The part of the Jinja language that chat templates use, with Python's semantics for values,
 * printing and string methods, and with every piece of text remembering whether the template or the
 * caller wrote it.
 *
 * <p>A template is compiled once ({@link io.tracemill.engine.text.jinja.JinjaTemplate}) and
 * rendered from many threads. What is not supported fails when the template is compiled. Depends on
 * nothing but the Java library.
 */
package io.tracemill.engine.text.jinja;

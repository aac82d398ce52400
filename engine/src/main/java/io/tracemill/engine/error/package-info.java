/**
 * The one exception type of the engine and its codes. Floor 0: depends on nothing, everything may
 * depend on it.
 */
package io.tracemill.engine.error;

/** The engine's face: open a model, submit requests, collect results, close. */
package io.tracemill.engine;

/**
 * The configuration of a network as a checkpoint describes it. Floor 2: depends on {@code error}
 * only.
 */
package io.tracemill.engine.model;

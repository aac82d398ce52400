/**
 * The seam between the scheduler and the hardware: providers, one backend per device, and the three
 * batches (prefill, decode, compression) that it executes. Floor 4: depends on floors 0 to 3.
 */
package io.tracemill.engine.backend;

/**
 * What the JVMs of one host share: folders and exclusive locks. Depends on {@code engine.error}
 * only.
 */
package io.tracemill.udf.host;

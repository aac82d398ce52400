/**
 * Pages and page tables: who owns which piece of the KV cache. Knows nothing of what lies in a
 * page. Floor 3: depends on {@code error} and floors 1 and 2.
 */
package io.tracemill.engine.kvcache;

package io.tracemill.gpu.internal.memory;

/** What device memory is used for; a line of the start-up table each. */
public enum Purpose {
  WEIGHTS("weights"),
  KV_PAGES("kv pages"),
  QUERY_RING("query ring"),
  WORKSPACE("workspace");

  private final String label;

  Purpose(String label) {
    this.label = label;
  }

  /** The name in tables. */
  public String label() {
    return label;
  }
}

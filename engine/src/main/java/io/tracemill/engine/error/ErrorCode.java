package io.tracemill.engine.error;

/** What went wrong, in one stable word that is written to the {@code error_class} column. */
public enum ErrorCode {
  INVALID_ARGUMENT(ErrorType.USER),
  INVALID_PROMPT(ErrorType.USER),
  PROMPT_TOO_LONG(ErrorType.USER),
  INVALID_CHECKPOINT(ErrorType.USER),
  /**
   * The network computed something that is not a number; the weights or their type are at fault.
   */
  NUMERIC(ErrorType.USER),
  UNSUPPORTED_MODEL(ErrorType.USER),
  INVALID_TOKENIZER(ErrorType.USER),
  INVALID_TEMPLATE(ErrorType.USER),
  BACKEND_UNAVAILABLE(ErrorType.USER),
  OUT_OF_MEMORY(ErrorType.INSUFFICIENT_RESOURCES),
  KV_CACHE_TOO_SMALL(ErrorType.INSUFFICIENT_RESOURCES),
  DEVICE_FAILED(ErrorType.DEVICE),
  ENGINE_DEAD(ErrorType.DEVICE),
  INTERNAL(ErrorType.INTERNAL);

  private final ErrorType type;

  ErrorCode(ErrorType type) {
    this.type = type;
  }

  /** Who has to act. */
  public ErrorType type() {
    return type;
  }
}

package io.tracemill.engine.weights;

import io.tracemill.engine.error.ErrorCode;
import io.tracemill.engine.error.ReasoningException;
import java.nio.file.Path;
import java.util.List;

/** Messages about checkpoint files that cannot be used. */
final class CheckpointErrors {
  private static final String AGAIN = "; download the checkpoint again.";

  private CheckpointErrors() {}

  static ReasoningException noWeights(Path directory) {
    return invalid(
        ("%s holds neither model.safetensors nor model.safetensors.index.json; give a checkpoint"
                + " with safetensors weights.")
            .formatted(directory));
  }

  static ReasoningException unreadable(Path file, Exception cause) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT, file + " cannot be read: " + cause.getMessage() + ".", cause);
  }

  static ReasoningException tooShort(Path file, long bytes) {
    return invalid(
        ("%s has %d bytes, too few for a safetensors file" + AGAIN).formatted(file, bytes));
  }

  static ReasoningException headerLength(Path file, long length, long fileBytes) {
    return invalid(
        ("%s claims a header of %s bytes but has %d bytes in all" + AGAIN)
            .formatted(file, Long.toUnsignedString(length), fileBytes));
  }

  static ReasoningException headerTooLarge(Path file, long length, long limit) {
    return invalid(
        ("%s claims a header of %d bytes, more than the %d that the format allows" + AGAIN)
            .formatted(file, length, limit));
  }

  static ReasoningException badHeader(Path file, String why) {
    return invalid(("The header of %s is malformed: %s" + AGAIN).formatted(file, why));
  }

  static ReasoningException badEntry(Path file, String tensor, String why) {
    return invalid(
        ("%s has a malformed entry for tensor %s: %s" + AGAIN).formatted(file, tensor, why));
  }

  static ReasoningException elementType(Path file, String tensor, String type) {
    return new ReasoningException(
        ErrorCode.INVALID_CHECKPOINT,
        "%s stores tensor %s as %s; only BF16, F16 and F32 can be used, so convert the checkpoint."
            .formatted(file, tensor, type));
  }

  static ReasoningException byteCount(Path file, String tensor, long actual, long expected) {
    return invalid(
        ("%s gives tensor %s %d bytes where its shape needs %d" + AGAIN)
            .formatted(file, tensor, actual, expected));
  }

  static ReasoningException pastEnd(Path file, String tensor, long end, long dataBytes) {
    return invalid(
        ("%s places tensor %s up to byte %d of its data but holds only %d: the file is cut off"
                + AGAIN)
            .formatted(file, tensor, end, dataBytes));
  }

  static ReasoningException overlap(Path file, String first, String second) {
    return invalid(
        ("%s places tensors %s and %s over each other" + AGAIN).formatted(file, first, second));
  }

  static ReasoningException hole(Path file, long from, long to) {
    return invalid(
        ("%s has %d bytes of data from offset %d that belong to no tensor" + AGAIN)
            .formatted(file, to - from, from));
  }

  static ReasoningException badIndex(Path file, String why) {
    return invalid(("The shard index %s is malformed: %s" + AGAIN).formatted(file, why));
  }

  static ReasoningException missingShard(Path index, String shard) {
    return invalid(("%s names the shard %s, which is not there" + AGAIN).formatted(index, shard));
  }

  static ReasoningException notInShard(Path shard, String tensor) {
    return invalid(
        ("%s lacks tensor %s, which the index places there" + AGAIN).formatted(shard, tensor));
  }

  static ReasoningException inTwoShards(String tensor, Path first, Path second) {
    return invalid(
        ("Tensor %s is in two shards, %s and %s" + AGAIN).formatted(tensor, first, second));
  }

  static ReasoningException missingTensor(Path directory, String tensor) {
    return invalid(
        ("The weights in %s lack tensor %s, which config.json asks for.")
            .formatted(directory, tensor));
  }

  static ReasoningException unusedTensor(Path directory, String tensor) {
    return new ReasoningException(
        ErrorCode.UNSUPPORTED_MODEL,
        "The weights in %s have tensor %s, which this architecture does not use; ignoring it would change the results."
            .formatted(directory, tensor));
  }

  static ReasoningException wrongShape(
      Path directory, String tensor, List<Integer> actual, List<Integer> expected) {
    return invalid(
        ("Tensor %s in %s has shape %s where config.json asks for %s.")
            .formatted(tensor, directory, actual, expected));
  }

  private static ReasoningException invalid(String message) {
    return new ReasoningException(ErrorCode.INVALID_CHECKPOINT, message);
  }
}

package io.tracemill.job;

import io.tracemill.engine.EngineSnapshot;
import io.tracemill.engine.Feeder;
import io.tracemill.engine.api.GenerationRequest;
import io.tracemill.engine.api.GenerationResult;
import io.tracemill.engine.api.Prompt;
import io.tracemill.udf.EngineOpener;
import io.tracemill.udf.EngineSettings;
import io.tracemill.udf.FakeEngine;
import io.tracemill.udf.SharedEngine;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Optional;

/**
 * Opens fakes that note every request in a file which all processes of a run share, a line each,
 * and whose text depends on key, sample, seed and prompt.
 *
 * @param requests the file
 * @param engine what is opened
 */
record CountingOpener(String requests, FakeEngine.Opener engine) implements EngineOpener {
  @Override
  public SharedEngine open(EngineSettings settings) {
    return new Counting(engine.open(settings), Path.of(requests));
  }

  private record Counting(SharedEngine engine, Path requests) implements SharedEngine {
    @Override
    public Feeder feeder() {
      return new CountingFeeder(engine.feeder(), requests);
    }

    @Override
    public EngineSnapshot snapshot() {
      return engine.snapshot();
    }

    @Override
    public String description() {
      return engine.description();
    }

    @Override
    public String backend() {
      return engine.backend();
    }

    @Override
    public Optional<String> deviceUuid() {
      return engine.deviceUuid();
    }

    @Override
    public void close() {
      engine.close();
    }
  }

  private record CountingFeeder(Feeder feeder, Path requests) implements Feeder {
    @Override
    public void submit(GenerationRequest request) {
      try {
        // One small write to a file opened for appending is not torn apart by others.
        Files.write(
            requests,
            (request.rowKey() + "\n").getBytes(StandardCharsets.UTF_8),
            StandardOpenOption.CREATE,
            StandardOpenOption.APPEND);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      String prompt =
          "%s with seed %d: %s"
              .formatted(request.rowKey(), request.sampling().seed(), request.prompt());
      feeder.submit(
          new GenerationRequest(
              request.rowKey(),
              request.sampleIndex(),
              new Prompt.Text(prompt),
              request.sampling(),
              request.kvPolicy()));
    }

    @Override
    public int outstanding() {
      return feeder.outstanding();
    }

    @Override
    public Optional<GenerationResult> poll(Duration timeout) {
      return feeder.poll(timeout);
    }

    @Override
    public void close() {
      feeder.close();
    }
  }
}

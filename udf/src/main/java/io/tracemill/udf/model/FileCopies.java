package io.tracemill.udf.model;

import io.tracemill.engine.error.ReasoningException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Copies files a few at a time, since one stream of an object store fills no network. */
final class FileCopies {
  private static final int STREAMS = 4;

  private FileCopies() {}

  /** Copies all or throws what the first that failed threw; no thread is left when it returns. */
  static void copyAll(RemoteModel model, List<ModelFile> files, Path folder)
      throws InterruptedException {
    List<ModelFile> largestFirst = new ArrayList<>(files);
    largestFirst.sort(Comparator.comparingLong(ModelFile::sizeBytes).reversed());
    AtomicBoolean stopped = new AtomicBoolean();
    ExecutorService pool =
        Executors.newFixedThreadPool(
            STREAMS,
            runnable -> {
              Thread thread = new Thread(runnable, "tracemill-copy");
              thread.setDaemon(true);
              return thread;
            });
    try {
      CompletionService<Void> copies = new ExecutorCompletionService<>(pool);
      for (ModelFile file : largestFirst) {
        copies.submit(
            () -> FileCopy.copy(model, file, folder.resolve(file.name()), stopped::get), null);
      }
      for (int i = 0; i < largestFirst.size(); i++) {
        copies.take().get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ReasoningException known) {
        throw known;
      }
      throw new IllegalStateException("copying " + model.uri(), e.getCause());
    } finally {
      stopped.set(true);
      pool.shutdown();
      awaitEnd(pool);
    }
  }

  // The folder is removed after a failure: nobody may still write into it.
  private static void awaitEnd(ExecutorService pool) {
    boolean interrupted = false;
    boolean ended = false;
    while (!ended) {
      try {
        ended = pool.awaitTermination(1, TimeUnit.SECONDS);
        if (!ended) {
          pool.shutdownNow();
        }
      } catch (InterruptedException e) {
        interrupted = true;
        pool.shutdownNow();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

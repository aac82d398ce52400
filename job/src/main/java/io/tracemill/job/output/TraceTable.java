package io.tracemill.job.output;

import java.util.Optional;
import java.util.function.Predicate;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * The traces of an output, for the one run that writes them. A run looks at what is there, claims
 * the table, and then commits waves; a claim shuts out every earlier run, also one whose driver was
 * only thought dead. Implementations are used for one run and may be called from several threads.
 */
public interface TraceTable {

  /**
   * The committed rows at this moment; the data set stays at it while the table goes on.
   *
   * @return empty where the table is not there
   */
  Optional<Dataset<Row>> snapshot();

  /** What a claim found. */
  enum Claim {
    /** The table still is what the last snapshot showed. */
    UNCHANGED,
    /** Another run has committed since; the snapshot must be taken again. */
    CHANGED
  }

  /**
   * Makes this run the only writer, and the table one that can hold rows of a type.
   *
   * @throws io.tracemill.job.error.JobException where the table cannot hold them
   */
  Claim claim(StructType type);

  /**
   * Generates and commits a wave. Computed once; no shuffle comes between generation and files.
   *
   * @throws io.tracemill.job.error.JobException where the commit was refused to this run, or does
   *     not hold as many rows as are due
   */
  void write(Dataset<Row> rows, Wave wave);

  /** Joins small files to larger ones where that is worth it; waves may be written meanwhile. */
  void compact();

  /** The last compaction of a run, when no wave is being written any more; cleans, too. */
  void finish();

  /**
   * Removes what other runs, or failed waves of this one, left half done; after a claim, and while
   * no wave is being written. Does nothing for a run that a later one has shut out.
   */
  void clean();

  /** What became of half waves that readers would see who do not know how waves are committed. */
  enum Leftovers {
    /** There are none, or none any more. */
    GONE,
    /** They may be what a live run is committing at this moment, and were left alone. */
    LEFT
  }

  /**
   * Removes half waves for a run that has nothing to write. Needs no claim and takes none from a
   * run that may be alive: neither from one that held the table when this was called, unless it has
   * ended or its files have not moved for longer than a commit takes, nor from one that comes
   * meanwhile.
   *
   * @param ended whether a run, by its id, is recorded as completed or failed
   */
  Leftovers removeLeftovers(Predicate<String> ended);
}

package io.tracemill.job.run;

import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RunRecord;

/**
 * A run that completed.
 *
 * @param record its row in the runs table
 * @param tables where it wrote
 */
public record RunOutcome(RunRecord record, OutputTables tables) {}

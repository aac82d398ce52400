package io.tracemill.job.run;

import io.tracemill.job.output.OutputTables;
import io.tracemill.job.output.RunRecord;
import io.tracemill.job.output.RunTotals;

/**
 * A run that completed.
 *
 * @param record its row in the runs table; its totals are of the rows that it made itself
 * @param whole totals of all rows in the output, those of earlier runs included
 * @param tables where it wrote
 */
public record RunOutcome(RunRecord record, RunTotals whole, OutputTables tables) {}

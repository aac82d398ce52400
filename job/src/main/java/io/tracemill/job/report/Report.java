package io.tracemill.job.report;

import io.tracemill.job.error.TableErrors;
import io.tracemill.job.report.data.ReportData;
import io.tracemill.job.report.data.ReportRequest;
import io.tracemill.job.report.page.ReportPage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;

/** Makes the report of a run. */
public final class Report {
  private Report() {}

  /**
   * The report as one page of HTML that needs nothing else.
   *
   * @throws io.tracemill.job.error.JobException where the request's tables or expressions are wrong
   */
  public static String html(SparkSession spark, ReportRequest request) {
    return ReportPage.of(ReportData.read(spark, request));
  }

  /**
   * Writes the page.
   *
   * @param file replaced where it exists
   * @throws io.tracemill.job.error.JobException where it cannot be written, or as {@link #html}
   */
  public static void write(SparkSession spark, ReportRequest request, Path file) {
    String page = html(spark, request);
    try {
      if (file.toAbsolutePath().getParent() != null) {
        Files.createDirectories(file.toAbsolutePath().getParent());
      }
      Files.writeString(file, page);
    } catch (IOException e) {
      throw TableErrors.unwritableReport(file.toString(), e);
    }
  }
}

package io.tracemill.job.calibrate;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.length;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.xxhash64;

import io.tracemill.engine.api.KvPolicySettings;
import io.tracemill.engine.api.SamplingParams;
import io.tracemill.engine.error.ReasoningException;
import io.tracemill.engine.text.PromptTokenizer;
import io.tracemill.job.input.InputArguments;
import io.tracemill.job.input.InputReader;
import io.tracemill.job.input.InputTable;
import io.tracemill.job.input.PromptForm;
import io.tracemill.job.input.PromptReader;
import io.tracemill.job.input.PromptReader.PromptRow;
import io.tracemill.udf.GenerationSettings;
import io.tracemill.udf.Work;
import java.util.Map;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;

/** The prompts of a table, as the model gets them. */
final class PromptTexts implements TextTable {
  /** Few texts have more characters to a token; an estimate that is low only reads some more. */
  private static final int CHARACTERS_PER_TOKEN = 8;

  private static final GenerationSettings ANY =
      GenerationSettings.of(SamplingParams.greedy(1), 1, KvPolicySettings.full());

  private final InputTable input;
  private final PromptTokenizer tokenizer;
  private final PromptReader reader;

  PromptTexts(SparkSession spark, InputArguments arguments, PromptTokenizer tokenizer) {
    this.input = InputReader.read(spark, arguments);
    this.tokenizer = tokenizer;
    this.reader = new PromptReader(input.form(), ANY, Map.of(), Integer.MAX_VALUE);
  }

  @Override
  public Dataset<Row> rows() {
    Column prompt = col(InputTable.PROMPT);
    Column text = input.form() == PromptForm.MESSAGES ? to_json(prompt) : prompt;
    return input
        .rows()
        .withColumn(ORDER, xxhash64(col(InputTable.ROW_KEY)))
        .withColumn(
            SIZE,
            length(text).divide(lit(CHARACTERS_PER_TOKEN)).plus(lit(1)).cast(DataTypes.LongType));
  }

  @Override
  public String key(Row row) {
    return row.getString(row.fieldIndex(InputTable.ROW_KEY));
  }

  @Override
  public int[] tokens(Row row) throws UnusableText {
    Work<PromptRow> work = reader.work(row).get(0);
    if (work instanceof Work.Wanted<PromptRow> wanted) {
      try {
        return tokenizer.encode(wanted.request().prompt()).tokenIds();
      } catch (ReasoningException e) {
        throw new UnusableText(e.getMessage());
      }
    }
    throw new UnusableText(((Work.Refused<PromptRow>) work).error().message());
  }

  @Override
  public String label() {
    return "prompts";
  }
}

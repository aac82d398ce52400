package io.tracemill.job.output;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** The published columns; queries of users depend on names and order. */
class TestTraceSchema {
  private static final List<String> PUBLISHED =
      List.of(
              ("run_id row_key sample_index prompt_hash request_hash wave model_id engine_version"
                      + " backend seed")
                  .split(" "),
              "status finish_reason error_class error_message attempts copied_from".split(" "),
              "prompt_tokens thinking_tokens answer_tokens generated_tokens".split(" "),
              ("kv_policy compressions kv_full_rows kv_final_rows kv_peak_rows kv_mean_rows"
                      + " kv_peak_bytes kv_saved_ratio compress_ms compression_events")
                  .split(" "),
              ("queue_ms prefill_ms decode_ms tokens_per_second predicted_tokens executor_id gpu_uuid finished_at day")
                  .split(" "),
              "extracted_answer prompt answer trace request token_ids".split(" "))
          .stream()
          .flatMap(Arrays::stream)
          .toList();

  @Test
  void columnsAreThePublishedOnesInTheirOrder() {
    assertThat(new TraceSchema(Optional.empty()).type().fieldNames())
        .containsExactlyElementsOf(PUBLISHED);
  }

  @Test
  void otherColumnsOfTheInputComeLast() {
    StructType carried = new StructType().add("answer", DataTypes.StringType);
    StructType type = new TraceSchema(Optional.of(carried)).type();
    assertThat(type.fieldNames()).endsWith("token_ids", "input");
    assertThat(type.apply("input").dataType()).isEqualTo(carried);
  }

  @Test
  void structsHoldWhatTheDesignNames() {
    StructType type = new TraceSchema(Optional.empty()).type();
    assertThat(type.apply("kv_policy").dataType().simpleString())
        .isEqualTo("struct<name:string,interval:int,window:int,ratio:int,mode:string>");
    assertThat(type.apply("compression_events").dataType().simpleString())
        .isEqualTo(
            "array<struct<step:int,rows_before:int,rows_after:int,candidates:int,retained:int,"
                + "score_cut:float,millis:float>>");
  }

  @Test
  void everyColumnSaysWhatItIs() {
    for (StructField field : new TraceSchema(Optional.empty()).type().fields()) {
      assertThat(field.getComment().get()).as(field.name()).isNotBlank();
    }
  }
}

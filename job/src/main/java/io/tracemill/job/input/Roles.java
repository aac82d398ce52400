package io.tracemill.job.input;

import io.tracemill.job.error.InputErrors;
import io.tracemill.job.error.JobErrors;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.NumericType;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Which column of a source plays which part.
 *
 * @param id the row key; empty for the row's content
 * @param form what {@code prompt} holds
 * @param prompt the column that asks
 * @param carried the columns that travel along
 */
record Roles(Optional<String> id, PromptForm form, String prompt, List<String> carried) {

  /** Settles the parts, named by the user or by custom, and checks their types. */
  static Roles of(RawRows raw, InputArguments arguments, InputFormat format) {
    if (format == InputFormat.OPENAI_BATCH) {
      return ofRequests(arguments);
    }
    List<String> columns = raw.columns();
    String input = arguments.path();
    if (arguments.messagesColumn().isEmpty()
        && arguments.promptColumn().isEmpty()
        && columns.containsAll(List.of("custom_id", "body"))) {
      throw InputErrors.looksLikeRequests(input);
    }
    PromptForm form;
    String prompt;
    if (!arguments.messagesColumn().isEmpty()) {
      form = PromptForm.MESSAGES;
      prompt = present("--messages-column", arguments.messagesColumn(), input, columns);
    } else if (!arguments.promptColumn().isEmpty()) {
      form = PromptForm.TEXT;
      prompt = present("--prompt-column", arguments.promptColumn(), input, columns);
    } else if (columns.contains("prompt")) {
      form = PromptForm.TEXT;
      prompt = "prompt";
    } else if (columns.contains("messages")) {
      form = PromptForm.MESSAGES;
      prompt = "messages";
    } else {
      throw InputErrors.noPromptColumn(input, columns);
    }
    Optional<String> id =
        arguments.idColumn().isEmpty()
            ? Optional.of("id").filter(columns::contains)
            : Optional.of(present("--id-column", arguments.idColumn(), input, columns));

    checkPrompt(form, prompt, type(raw, prompt), input);
    id.ifPresent(name -> checkId(name, type(raw, name), input));
    List<String> carried = columns.stream().filter(name -> !name.equals(prompt)).toList();
    carried.forEach(name -> checkCarried(name, type(raw, name), input));
    arguments
        .givenParameterColumns()
        .forEach(
            (parameter, column) -> {
              String option = "--parameter-column " + parameter.label() + "=";
              checkParameter(
                  parameter,
                  option,
                  column,
                  type(raw, present(option, column, input, carried)),
                  input);
            });
    return new Roles(id, form, prompt, carried);
  }

  /** Requests bring their id, their conversation and their settings along. */
  private static Roles ofRequests(InputArguments arguments) {
    String named =
        !arguments.idColumn().isEmpty()
            ? "--id-column"
            : !arguments.promptColumn().isEmpty()
                ? "--prompt-column"
                : !arguments.messagesColumn().isEmpty()
                    ? "--messages-column"
                    : !arguments.parameterColumns().isEmpty() ? "--parameter-column" : "";
    if (!named.isEmpty()) {
      throw JobErrors.together(named, "--input-format openai-batch");
    }
    return new Roles(
        Optional.of(OpenAiRows.ID),
        PromptForm.OPENAI_REQUEST,
        OpenAiRows.REQUEST,
        OpenAiRows.CARRIED);
  }

  private static void checkParameter(
      RowParameter parameter, String option, String column, DataType type, String input) {
    boolean isText = type instanceof StringType;
    boolean isTextList =
        type instanceof ArrayType array && array.elementType() instanceof StringType;
    boolean fits =
        switch (parameter) {
          case STOP -> isText || isTextList;
          case KV_POLICY -> isText;
          case TEMPERATURE,
              TOP_P,
              TOP_K,
              MIN_P,
              REPETITION_PENALTY,
              MAX_NEW_TOKENS,
              SEED,
              SAMPLES ->
              isText || type instanceof NumericType;
        };
    if (!fits) {
      throw InputErrors.wrongType(
          option,
          column,
          input,
          type.sql(),
          switch (parameter) {
            case STOP -> "a text or an array of texts";
            case KV_POLICY -> "a text";
            case TEMPERATURE,
                TOP_P,
                TOP_K,
                MIN_P,
                REPETITION_PENALTY,
                MAX_NEW_TOKENS,
                SEED,
                SAMPLES ->
                "a number";
          });
    }
  }

  /** The type of the carried columns as one struct; empty where there is none. */
  Optional<StructType> carriedType(RawRows raw) {
    if (carried.isEmpty()) {
      return Optional.empty();
    }
    Column[] columns = carried.stream().map(InputReader::quoted).toArray(Column[]::new);
    StructType exact = raw.table().select(columns).schema();
    StructType nullable = new StructType();
    for (StructField field : exact.fields()) {
      nullable = nullable.add(field.name(), field.dataType(), true);
    }
    return Optional.of(nullable);
  }

  private static DataType type(RawRows raw, String column) {
    return raw.table().select(InputReader.quoted(column)).schema().fields()[0].dataType();
  }

  private static String present(String option, String column, String input, List<String> columns) {
    if (!columns.contains(column)) {
      throw InputErrors.noColumn(option, column, input, columns);
    }
    return column;
  }

  private static void checkPrompt(PromptForm form, String column, DataType type, String input) {
    if (form == PromptForm.TEXT && !(type instanceof StringType)) {
      throw InputErrors.wrongType("--prompt-column", column, input, type.sql(), "STRING");
    }
    if (form == PromptForm.MESSAGES && !isConversation(type)) {
      throw InputErrors.wrongType(
          "--messages-column",
          column,
          input,
          type.sql(),
          "ARRAY<STRUCT<role: STRING, content: STRING>>");
    }
  }

  private static boolean isConversation(DataType type) {
    return type instanceof ArrayType array
        && array.elementType() instanceof StructType turn
        && isText(turn, "role")
        && isText(turn, "content");
  }

  private static boolean isText(StructType turn, String field) {
    return Arrays.asList(turn.fieldNames()).contains(field)
        && turn.apply(field).dataType() instanceof StringType;
  }

  private static void checkId(String column, DataType type, String input) {
    if (type instanceof ArrayType || type instanceof MapType || type instanceof StructType) {
      throw InputErrors.wrongType("--id-column", column, input, type.sql(), "a text or a number");
    }
  }

  private static void checkCarried(String column, DataType type, String input) {
    String sql = type.sql();
    // Delta and Parquet files have no such types.
    if (sql.contains("VOID") || sql.contains("INTERVAL")) {
      throw InputErrors.uncarriable(column, input, sql);
    }
  }
}

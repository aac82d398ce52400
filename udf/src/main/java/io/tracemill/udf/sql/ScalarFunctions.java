package io.tracemill.udf.sql;

import static org.apache.spark.sql.functions.udf;

import io.tracemill.engine.text.ThinkingStart;
import io.tracemill.engine.text.TraceParts;
import io.tracemill.udf.grade.AnswerFinder;
import io.tracemill.udf.grade.Answers;
import io.tracemill.udf.grade.KvRatios;
import io.tracemill.udf.grade.TraceScores;
import io.tracemill.udf.grade.WilsonInterval;
import io.tracemill.udf.sql.SqlFunction.Group;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.api.java.UDF3;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/** The functions of one row. All give null where an argument that they need is null. */
final class ScalarFunctions {
  static final StructType PARTS =
      new StructType()
          .add("thinking", DataTypes.StringType, true)
          .add("answer", DataTypes.StringType, true)
          .add("complete", DataTypes.BooleanType, false);
  static final StructType COMPARISON =
      new StructType()
          .add("equal", DataTypes.BooleanType, false)
          .add("rule", DataTypes.StringType, false);
  static final StructType INTERVAL =
      new StructType()
          .add("low", DataTypes.DoubleType, false)
          .add("high", DataTypes.DoubleType, false);

  private ScalarFunctions() {}

  /** A function of a text, serializable so that Spark ships it. */
  interface OfText<T> extends Function<String, T>, java.io.Serializable {}

  /** A function of two texts. */
  interface OfTexts<T> extends BiFunction<String, String, T>, java.io.Serializable {}

  /** A function of two numbers. */
  interface OfNumbers extends BiFunction<Double, Double, Optional<Double>>, java.io.Serializable {}

  static List<SqlFunction> all() {
    return List.of(
        new SqlFunction(
            "tm_extract_answer",
            Group.EXTRACTION,
            List.of("trace STRING"),
            "STRING",
            "The final answer of an output: of the part behind the thinking, the content of the last"
                + " \\boxed{..}, else the last line that is not blank. Null where the output ends"
                + " inside its thinking.",
            "tm_extract_answer('<think>6*7</think>So it is \\\\boxed{42}.')",
            "42",
            optional(AnswerFinder::answer)),
        new SqlFunction(
            "tm_extract_boxed",
            Group.EXTRACTION,
            List.of("text STRING"),
            "STRING",
            "The content of the last \\boxed{..} that is closed and not blank, else null.",
            "tm_extract_boxed('\\\\boxed{1} or rather \\\\boxed{\\\\frac{1}{2}}')",
            "\\frac{1}{2}",
            optional(AnswerFinder::boxed)),
        new SqlFunction(
            "tm_extract_final_line",
            Group.EXTRACTION,
            List.of("text STRING"),
            "STRING",
            "The last line that is not blank, without the white space around it.",
            "tm_extract_final_line(concat('Work', char(10), '  42 ', char(10)))",
            "42",
            optional(AnswerFinder::finalLine)),
        new SqlFunction(
            "tm_extract_choice",
            Group.EXTRACTION,
            List.of("text STRING"),
            "STRING",
            "The letter A to J that answers a multiple-choice question: in the last box, else where"
                + " the text last says \"answer\", \"choice\" or \"option\", else a last line that"
                + " is a letter alone. Capital letters only.",
            "tm_extract_choice('A looks good, but the answer is (C).')",
            "C",
            optional(AnswerFinder::choice)),
        new SqlFunction(
            "tm_extract_json",
            Group.EXTRACTION,
            List.of("text STRING", "field STRING"),
            "STRING",
            "A field of the last JSON object in a text that has it. A path with dots reaches inner"
                + " objects. A string comes as it is, anything else as JSON; a JSON null gives null.",
            "tm_extract_json('Here: {\"answer\": 42} and done', 'answer')",
            "42",
            optional2(AnswerFinder::json)),
        new SqlFunction(
            "tm_normalize_answer",
            Group.COMPARISON,
            List.of("answer STRING"),
            "STRING",
            "A key to group answers by: equal keys mean equal answers. Numbers become reduced"
                + " fractions, algebra a sum of products. Different keys may still be equal answers;"
                + " tm_answers_equal decides.",
            "tm_normalize_answer('$\\\\dfrac{2}{4}$')",
            "1/2",
            ofText(Answers::normalize, DataTypes.StringType)),
        new SqlFunction(
            "tm_answers_equal",
            Group.COMPARISON,
            List.of("a STRING", "b STRING"),
            "BOOLEAN",
            "Whether two final answers are the same: numbers in any form, fractions, percentages,"
                + " units, LaTeX, sets, tuples, intervals, equations, algebraic expressions; else"
                + " text without case and punctuation. Null where one is null.",
            "tm_answers_equal('\\\\frac{1}{2}', '50%')",
            "true",
            ofTexts(Answers::equal, DataTypes.BooleanType)),
        new SqlFunction(
            "tm_answers_close",
            Group.COMPARISON,
            List.of("a STRING", "b STRING", "relative_tolerance DOUBLE"),
            "BOOLEAN",
            "Like tm_answers_equal, but numbers may differ by a share of the larger one.",
            "tm_answers_close('3.14', '\\\\pi', 0.001)",
            "true",
            close()),
        new SqlFunction(
            "tm_compare_answers",
            Group.COMPARISON,
            List.of("a STRING", "b STRING"),
            "STRUCT<equal: BOOLEAN, rule: STRING>",
            "The verdict of tm_answers_equal with the rule that decided it: number, text, structure,"
                + " unit, algebra, numeric, unreadable (one side is no mathematics, so the text"
                + " decided) or given_up (too costly, so the text decided).",
            "tm_compare_answers('(x+1)^2', 'x^2+2x+1').rule",
            "algebra",
            ofTexts(ScalarFunctions::comparison, COMPARISON)),
        new SqlFunction(
            "tm_is_correct",
            Group.COMPARISON,
            List.of("answer STRING", "gold STRING"),
            "BOOLEAN",
            "Whether an answer equals the gold answer; false where there is no answer, null where"
                + " there is no gold answer.",
            "tm_is_correct(NULL, '42')",
            "false",
            udf(
                (UDF2<Object, Object, Boolean>)
                    (answer, gold) ->
                        gold == null
                            ? null
                            : (Boolean)
                                (answer != null
                                    && Answers.equal(SqlValues.text(answer), SqlValues.text(gold))),
                DataTypes.BooleanType)),
        new SqlFunction(
            "tm_split_trace",
            Group.TRACES,
            List.of("trace STRING"),
            "STRUCT<thinking: STRING, answer: STRING, complete: BOOLEAN>",
            "An output divided at its last </think>: the thinking without tags, what follows, and"
                + " whether the thinking ended. An output without tags is all answer.",
            "tm_split_trace('<think>2+2</think> 4').answer",
            "4",
            ofText(ScalarFunctions::parts, PARTS)),
        new SqlFunction(
            "tm_thinking",
            Group.TRACES,
            List.of("trace STRING"),
            "STRING",
            "The thinking of an output without its tags; empty where there is none.",
            "tm_thinking('<think>2+2</think> 4')",
            "2+2",
            ofText(
                trace -> TraceParts.of(trace, ThinkingStart.OUTSIDE).thinking(),
                DataTypes.StringType)),
        new SqlFunction(
            "tm_answer",
            Group.TRACES,
            List.of("trace STRING"),
            "STRING",
            "What follows the thinking of an output; null where it ends inside its thinking.",
            "tm_answer('<think>2+2</think> 4')",
            "4",
            optional(trace -> TraceParts.of(trace, ThinkingStart.OUTSIDE).answer())),
        new SqlFunction(
            "tm_token_count",
            Group.TRACES,
            List.of("text STRING", "model_directory STRING"),
            "INT",
            "The number of tokens of a text for the tokenizer.json of a model directory, which every"
                + " executor must see under this path; loaded once for each executor. Special tokens"
                + " such as </think> count as one.",
            "tm_token_count('', '/models/demo')",
            "0",
            ofTexts(TokenizerCache::count, DataTypes.IntegerType)),
        new SqlFunction(
            "tm_trace_entropy",
            Group.TRACES,
            List.of("text STRING"),
            "DOUBLE",
            "Shannon entropy of the words of a text in bits a word; low values show a text that uses"
                + " few words over and over. A word is a run of letters and digits in lower case, or"
                + " any other character that is no white space.",
            "tm_trace_entropy('a b a b')",
            "1.0",
            ofText(TraceScores::entropyBits, DataTypes.DoubleType)),
        new SqlFunction(
            "tm_repetition_score",
            Group.TRACES,
            List.of("text STRING"),
            "DOUBLE",
            "The share of runs of 8 words that appeared earlier in the same text, from 0 to 1.",
            "tm_repetition_score(repeat('one two three ', 4))",
            "0.4",
            ofText(TraceScores::repetition, DataTypes.DoubleType)),
        new SqlFunction(
            "tm_loop_share",
            Group.TRACES,
            List.of("text STRING"),
            "DOUBLE",
            "The share of a text, in words, that its end loops through: its longest suffix that"
                + " repeats one block of words at least three times. 0 where the end does not loop.",
            "tm_loop_share(concat('so ', repeat('wait no ', 3)))",
            "0.8571428571428571",
            ofText(TraceScores::loopShare, DataTypes.DoubleType)),
        new SqlFunction(
            "tm_kv_saved",
            Group.KV,
            List.of("full_rows DOUBLE", "kept_rows DOUBLE"),
            "DOUBLE",
            "The share of a full cache's rows that was not kept, 1 - kept / full; null where full is"
                + " not positive.",
            "tm_kv_saved(4000, 1000)",
            "0.75",
            ofNumbers(KvRatios::saved)),
        new SqlFunction(
            "tm_kv_compression",
            Group.KV,
            List.of("full_rows DOUBLE", "kept_rows DOUBLE"),
            "DOUBLE",
            "How many times smaller than a full cache, full / kept; null where kept is not positive.",
            "tm_kv_compression(4000, 1000)",
            "4.0",
            ofNumbers(KvRatios::compression)),
        new SqlFunction(
            "tm_wilson_interval",
            Group.SAMPLES,
            List.of("successes BIGINT", "trials BIGINT", "confidence DOUBLE"),
            "STRUCT<low: DOUBLE, high: DOUBLE>",
            "Wilson's interval of a share; null where the counts or the confidence make no sense.",
            "round(tm_wilson_interval(8, 10, 0.95).low, 4)",
            "0.4902",
            wilson()));
  }

  private static <T> UserDefinedFunction ofText(OfText<T> function, DataType type) {
    return udf(
        (UDF1<Object, T>) value -> value == null ? null : function.apply(SqlValues.text(value)),
        type);
  }

  private static UserDefinedFunction optional(OfText<Optional<String>> function) {
    return ofText(text -> function.apply(text).orElse(null), DataTypes.StringType);
  }

  private static <T> UserDefinedFunction ofTexts(OfTexts<T> function, DataType type) {
    return udf(
        (UDF2<Object, Object, T>)
            (a, b) ->
                a == null || b == null
                    ? null
                    : function.apply(SqlValues.text(a), SqlValues.text(b)),
        type);
  }

  private static UserDefinedFunction optional2(OfTexts<Optional<String>> function) {
    return ofTexts((a, b) -> function.apply(a, b).orElse(null), DataTypes.StringType);
  }

  private static UserDefinedFunction ofNumbers(OfNumbers function) {
    return udf(
        (UDF2<Object, Object, Double>)
            (a, b) -> {
              Optional<Double> x = SqlValues.number(a);
              Optional<Double> y = SqlValues.number(b);
              return x.isEmpty() || y.isEmpty()
                  ? null
                  : function.apply(x.get(), y.get()).orElse(null);
            },
        DataTypes.DoubleType);
  }

  private static UserDefinedFunction close() {
    return udf(
        (UDF3<Object, Object, Object, Boolean>)
            (a, b, tolerance) -> {
              Optional<Double> share = SqlValues.number(tolerance);
              return a == null || b == null || share.isEmpty()
                  ? null
                  : (Boolean) Answers.close(SqlValues.text(a), SqlValues.text(b), share.get());
            },
        DataTypes.BooleanType);
  }

  private static UserDefinedFunction wilson() {
    return udf(
        (UDF3<Object, Object, Object, Object>)
            (successes, trials, confidence) -> {
              Optional<Double> s = SqlValues.number(successes);
              Optional<Double> n = SqlValues.number(trials);
              Optional<Double> c = SqlValues.number(confidence);
              if (s.isEmpty() || n.isEmpty() || c.isEmpty()) {
                return null;
              }
              boolean sensible =
                  n.get() >= 1 && s.get() >= 0 && s.get() <= n.get() && c.get() > 0 && c.get() < 1;
              if (!sensible) {
                return null;
              }
              WilsonInterval interval =
                  WilsonInterval.of(s.get().longValue(), n.get().longValue(), c.get());
              return RowFactory.create(interval.low(), interval.high());
            },
        INTERVAL);
  }

  private static Object comparison(String a, String b) {
    Answers.Comparison comparison = Answers.compare(a, b);
    return RowFactory.create(comparison.equal(), comparison.rule());
  }

  private static Object parts(String trace) {
    TraceParts parts = TraceParts.of(trace, ThinkingStart.OUTSIDE);
    return RowFactory.create(
        parts.thinking(), parts.answer().orElse(null), parts.answer().isPresent());
  }
}

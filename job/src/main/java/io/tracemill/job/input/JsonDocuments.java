package io.tracemill.job.input;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;

/**
 * Cuts JSON files into one line of JSON per row, so that JSON and JSONL are read alike. Characters
 * outside ASCII are written as escapes, which keeps half surrogate pairs visible.
 */
final class JsonDocuments implements FlatMapFunction<String, String> {
  private static final long serialVersionUID = 1L;

  @Override
  public Iterator<String> call(String document) {
    List<String> lines = new ArrayList<>();
    JsonFactory factory = new JsonFactory();
    try (JsonParser parser = factory.createParser(document)) {
      int depth = 0;
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token == JsonToken.START_ARRAY && depth == 0) {
          depth++;
        } else if (token == JsonToken.END_ARRAY) {
          depth--;
        } else {
          lines.add(copy(factory, parser));
        }
      }
    } catch (JsonProcessingException e) {
      // What follows the fault cannot be found again; the row says where it lies.
      lines.add(
          "unreadable from line %d on: %s"
              .formatted(e.getLocation().getLineNr(), e.getOriginalMessage()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return lines.iterator();
  }

  private static String copy(JsonFactory factory, JsonParser parser) throws IOException {
    StringWriter line = new StringWriter();
    try (JsonGenerator generator = factory.createGenerator(line)) {
      generator.enable(JsonWriteFeature.ESCAPE_NON_ASCII.mappedFeature());
      generator.copyCurrentStructure(parser);
    }
    return line.toString();
  }
}

package io.tracemill.job.notebook;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.tracemill.job.notebook.Cell.Language;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Reads the cells of Databricks sources and of Zeppelin notes. */
final class NotebookFiles {
  private static final Path FOLDER = Path.of("../notebooks");
  private static final ObjectMapper JSON = new ObjectMapper();

  private NotebookFiles() {}

  /** All Databricks sources, in the order of their names. */
  static List<Path> databricks() throws IOException {
    return files(FOLDER.resolve("databricks"));
  }

  /** All Zeppelin notes, in the order of their names. */
  static List<Path> zeppelin() throws IOException {
    return files(FOLDER.resolve("zeppelin"));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** A file's name without what follows the dot. */
  static String title(Path file) {
    return file.getFileName().toString().replaceFirst("\\..*", "");
  }

  static List<Cell> ofDatabricks(Path file) throws IOException {
    String name = file.getFileName().toString();
    String suffix = name.substring(name.lastIndexOf('.') + 1);
    String mark =
        switch (suffix) {
          case "scala" -> "//";
          case "sql" -> "--";
          case "py" -> "#";
          default -> throw new IllegalArgumentException("no notebook: " + file);
        };
    Language own =
        switch (suffix) {
          case "scala" -> Language.SCALA;
          case "sql" -> Language.SQL;
          default -> Language.PYTHON;
        };
    String text = Files.readString(file);
    String head = mark + " Databricks notebook source\n";
    if (!text.startsWith(head)) {
      throw new IllegalArgumentException(file + " does not begin with " + head.strip());
    }
    List<Cell> cells = new ArrayList<>();
    String cut = "(?m)^" + Pattern.quote(mark) + " COMMAND -+$";
    for (String part : text.substring(head.length()).split(cut)) {
      cells.add(cell(part.strip(), mark + " MAGIC", own));
    }
    return cells;
  }

  private static Cell cell(String text, String magic, Language own) {
    if (!text.startsWith(magic)) {
      return new Cell(own, text);
    }
    String inner =
        text.lines()
            .map(line -> line.substring(magic.length()).replaceFirst("^ ", ""))
            .collect(Collectors.joining("\n"));
    int end = inner.indexOf('\n');
    return new Cell(language(inner.substring(0, end).strip()), inner.substring(end + 1).strip());
  }

  static List<Cell> ofZeppelin(Path file) throws IOException {
    List<Cell> cells = new ArrayList<>();
    for (JsonNode paragraph : JSON.readTree(file.toFile()).get("paragraphs")) {
      if (paragraph.has("results")) {
        throw new IllegalArgumentException(file + " holds outputs");
      }
      String text = paragraph.get("text").asText();
      int end = text.indexOf('\n');
      cells.add(
          new Cell(language(text.substring(0, end).strip()), text.substring(end + 1).strip()));
    }
    return cells;
  }

  private static Language language(String line) {
    return switch (line) {
      case "%scala", "%spark" -> Language.SCALA;
      case "%sql", "%spark.sql" -> Language.SQL;
      case "%python", "%spark.pyspark" -> Language.PYTHON;
      case "%md" -> Language.MARKDOWN;
      default -> throw new IllegalArgumentException("nothing here runs a cell of " + line);
    };
  }
}

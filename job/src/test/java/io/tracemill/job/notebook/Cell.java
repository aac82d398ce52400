package io.tracemill.job.notebook;

/**
 * One cell of a notebook.
 *
 * @param language what it is written in
 * @param code without the line that names the language
 */
record Cell(Language language, String code) {
  enum Language {
    SCALA,
    SQL,
    PYTHON,
    MARKDOWN
  }
}

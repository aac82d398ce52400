package io.tracemill.engine.text.jinja;

import java.time.Clock;
import java.util.Map;

/**
 * A compiled template, set up as Hugging Face sets Jinja up for chats: {@code trim_blocks}, {@code
 * lstrip_blocks}, loop controls, no escaping, {@code tojson} without ASCII escapes, {@code
 * raise_exception}, {@code strftime_now}.
 *
 * <p>Text inside the variables is data: it is never parsed as template source. Threads: instances
 * are immutable and may be shared.
 */
public final class JinjaTemplate {
  private final Statement body;

  private JinjaTemplate(Statement body) {
    this.body = body;
  }

  /**
   * Compiles a template.
   *
   * @throws JinjaException if the source is not Jinja, or uses a tag, filter, test or method that
   *     is not supported
   */
  public static JinjaTemplate compile(String source) {
    try {
      return new JinjaTemplate(TemplateParser.parse(source));
    } catch (StackOverflowError e) {
      throw JinjaException.limit("the template is nested too deeply");
    }
  }

  /**
   * Renders the template.
   *
   * @param variables strings, {@link Text}, numbers, booleans, null, maps and collections of these;
   *     a string counts as written by the template's side, use {@link Text} to say otherwise
   * @param clock what {@code strftime_now} reads, with its time zone
   * @throws JinjaException if an operation fails, the template raises, or it runs into a limit
   */
  public Text render(Map<String, ?> variables, Clock clock) {
    Map<String, Object> names = Functions.globals();
    variables.forEach((name, value) -> names.put(name, Values.of(value)));
    Scope scope = new Scope(new RenderState(clock), names);
    TextBuilder out = new TextBuilder();
    try {
      // Names that the template sets go into a scope of their own, above the variables.
      body.execute(scope.inner(), out);
      return out.build();
    } catch (StackOverflowError e) {
      throw JinjaException.limit("the template or its values are nested too deeply");
    }
  }
}

package io.tracemill.engine.text.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TestJinjaTemplate {
  private static String render(String source, Map<String, ?> variables) {
    return JinjaTemplate.compile(source).render(variables, Clock.systemUTC()).value();
  }

  @Test
  void severalAttributesOfANamespaceCanBeSetAtOnce() {
    // Only jinja2 from 3.1.5 on knows this, so it is not among the records.
    String source = "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}";
    assertThat(render(source, Map.of())).isEqualTo("12");
  }

  @Test
  void oneTemplateRendersInManyThreads() {
    JinjaTemplate template =
        JinjaTemplate.compile(
            "{% set ns = namespace(n=0) %}{% for i in range(n) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}");
    List<String> sums =
        IntStream.range(0, 200)
            .parallel()
            .mapToObj(n -> template.render(Map.of("n", n), Clock.systemUTC()).value())
            .toList();
    List<String> expected =
        IntStream.range(0, 200).mapToObj(n -> String.valueOf(n * (n - 1) / 2)).toList();
    assertThat(sums).isEqualTo(expected);
  }

  @Test
  void theCallersValuesAreNeverChanged() {
    List<Object> items = Collections.unmodifiableList(new ArrayList<>(List.of(1, 2)));
    assertThat(render("{% set items = items + [3] %}{{ items }}", Map.of("items", items)))
        .isEqualTo("[1, 2, 3]");
  }

  @Test
  void javaNumbersBecomePythonNumbers() {
    Map<String, Object> numbers =
        Map.of("a", 1, "b", 2L, "c", 1.0f, "d", new BigDecimal("2.50"), "e", (short) 3);
    assertThat(render("{{ a }} {{ b }} {{ c }} {{ d }} {{ e }}", numbers))
        .isEqualTo("1 2 1.0 2.5 3");
  }

  @Test
  void aValueOfAnotherKindIsRefused() {
    assertThatThrownBy(() -> render("x", Map.of("a", new Object())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("java.lang.Object");
  }
}

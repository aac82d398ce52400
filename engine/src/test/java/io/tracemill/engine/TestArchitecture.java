package io.tracemill.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The rooms and floors of the engine, as jdeps finds them in the compiled classes. */
final class TestArchitecture {
  private static final String ROOT = "io.tracemill.engine";

  /** A package knows lower floors only, and no other package of its own. */
  private static final Map<String, Integer> FLOORS =
      Map.ofEntries(
          Map.entry("", 6),
          Map.entry(".schedule", 5),
          Map.entry(".cpu", 5),
          Map.entry(".backend", 4),
          Map.entry(".kvcache", 3),
          Map.entry(".weights", 3),
          Map.entry(".text", 2),
          Map.entry(".text.jinja", 2),
          Map.entry(".compress", 2),
          Map.entry(".model", 2),
          Map.entry(".api", 1),
          Map.entry(".error", 0));

  /** The one neighbour that is allowed: the template language is a part of text. */
  private static final Set<String> NEIGHBOURS = Set.of(ROOT + ".text -> " + ROOT + ".text.jinja");

  private static final Pattern ARROW = Pattern.compile("^\\s+(\\S+)\\s+->\\s+(\\S+)");

  private static Set<String> dependencies;

  @BeforeAll
  static void readClasses() throws URISyntaxException {
    Path classes =
        Path.of(ReasoningEngine.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    dependencies = packageDependencies(jdeps(classes));
    assertThat(dependencies)
        .as("the scan sees the arrows that must be there")
        .contains(
            ROOT + " -> " + ROOT + ".schedule",
            ROOT + ".schedule -> " + ROOT + ".backend",
            ROOT + ".schedule -> java.util",
            ROOT + " -> org.slf4j");
  }

  @Test
  void everyPackageHasAFloor() {
    assertThat(dependencies)
        .map(dependency -> dependency.split(" -> ")[0])
        .allSatisfy(name -> assertThat(FLOORS).containsKey(name.substring(ROOT.length())));
  }

  @Test
  void everyArrowRunsDown() {
    List<String> wrong = new ArrayList<>();
    for (String dependency : dependencies) {
      String[] ends = dependency.split(" -> ");
      if (ends[1].startsWith(ROOT) && !NEIGHBOURS.contains(dependency)) {
        int from = FLOORS.get(ends[0].substring(ROOT.length()));
        int to = FLOORS.getOrDefault(ends[1].substring(ROOT.length()), Integer.MAX_VALUE);
        if (from <= to) {
          wrong.add(dependency);
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  @Test
  void theEngineKnowsNeitherSparkNorCuda() {
    assertThat(dependencies)
        .map(dependency -> dependency.split(" -> ")[1])
        .noneMatch(
            name ->
                name.startsWith("org.apache.")
                    || name.startsWith("scala.")
                    || name.startsWith("jcuda")
                    || name.startsWith("io.tracemill.") && !name.startsWith(ROOT));
  }

  private static List<String> jdeps(Path classes) {
    StringWriter out = new StringWriter();
    StringWriter errors = new StringWriter();
    int code =
        ToolProvider.findFirst("jdeps")
            .orElseThrow()
            .run(
                new PrintWriter(out, true),
                new PrintWriter(errors, true),
                "--multi-release",
                "base",
                "-verbose:class",
                "-filter:none",
                classes.toString());
    assertThat(code).as("jdeps: %s %s", out, errors).isZero();
    return out.toString().lines().toList();
  }

  private static Set<String> packageDependencies(List<String> lines) {
    Set<String> found = new TreeSet<>();
    for (String line : lines) {
      Matcher arrow = ARROW.matcher(line);
      if (arrow.find()) {
        String from = packageOf(arrow.group(1));
        String to = packageOf(arrow.group(2));
        if (!from.equals(to)) {
          found.add(from + " -> " + to);
        }
      }
    }
    return found;
  }

  private static String packageOf(String type) {
    int dot = type.lastIndexOf('.');
    return dot < 0 ? "" : type.substring(0, dot);
  }
}

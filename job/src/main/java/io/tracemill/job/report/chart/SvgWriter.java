package io.tracemill.job.report.chart;

import java.awt.Dimension;
import java.awt.Font;
import java.awt.font.FontRenderContext;
import java.awt.geom.Rectangle2D;
import java.io.StringWriter;
import java.util.Locale;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.apache.batik.svggen.SVGIDGenerator;
import org.jfree.chart.JFreeChart;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** Draws a chart as SVG that may stand inside a page of HTML beside others. */
final class SvgWriter {
  private static final String SVG = "http://www.w3.org/2000/svg";
  private static final FontRenderContext FONTS = new FontRenderContext(null, true, true);

  private SvgWriter() {}

  /**
   * Draws.
   *
   * @param name prefix of the drawing's ids, unique in the page
   * @param description what a screen reader says in its place
   */
  static String write(JFreeChart chart, Dimension size, String name, String description) {
    Document document = newDocument();
    SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
    context.setComment(null);
    context.setIDGenerator(new PrefixedIds(name));
    SVGGraphics2D graphics = new SVGGraphics2D(context, false);
    graphics.setSVGCanvasSize(size);
    chart.draw(graphics, new Rectangle2D.Double(0, 0, size.width, size.height));
    Element root = graphics.getRoot();
    graphics.dispose();
    root.setAttribute("viewBox", "0 0 %d %d".formatted(size.width, size.height));
    root.setAttribute("role", "img");
    root.setAttribute("aria-label", description);
    root.removeAttribute("width");
    root.removeAttribute("height");
    restyle(root, Chart.FONT_POINTS);
    return serialised(root);
  }

  private static Document newDocument() {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
      factory.setNamespaceAware(true);
      return factory.newDocumentBuilder().getDOMImplementation().createDocument(SVG, "svg", null);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException("every JVM has an XML parser", e);
    }
  }

  /** Colours become classes; fonts are the page's; text keeps the width it was laid out with. */
  private static void restyle(Element element, float inheritedPoints) {
    ink(element, "fill");
    ink(element, "stroke");
    if (element.getAttribute("id").equals("genericDefs")) {
      element.removeAttribute("id"); // The same in every drawing, and nothing refers to it.
    }
    float points = inheritedPoints;
    String size = element.getAttribute("font-size");
    if (!size.isEmpty()) {
      points = Float.parseFloat(size.replace("px", ""));
      if (element.getTagName().equals("svg")) {
        element.removeAttribute("font-size");
      }
    }
    for (String attribute :
        new String[] {
          "font-family",
          "font-weight",
          "font-style",
          "text-rendering",
          "color-rendering",
          "image-rendering",
          "shape-rendering",
          "color-interpolation",
          "xml:space"
        }) {
      element.removeAttribute(attribute);
    }
    if (element.getTagName().equals("text")) {
      double width =
          new Font(Font.SANS_SERIF, Font.PLAIN, 1)
              .deriveFont(points)
              .getStringBounds(element.getTextContent(), FONTS)
              .getWidth();
      element.setAttribute("textLength", String.format(Locale.ROOT, "%.1f", width));
      element.setAttribute("lengthAdjust", "spacingAndGlyphs");
      element.setAttribute("font-size", String.format(Locale.ROOT, "%.0f", points));
    }
    NodeList children = element.getChildNodes();
    for (int i = children.getLength() - 1; i >= 0; i--) {
      Node child = children.item(i);
      if (child instanceof Element inner) {
        restyle(inner, points);
      } else if (child.getNodeType() == Node.COMMENT_NODE) {
        element.removeChild(child);
      }
    }
  }

  private static void ink(Element element, String attribute) {
    Ink.ofSvg(element.getAttribute(attribute))
        .ifPresent(
            ink -> {
              element.removeAttribute(attribute);
              String before = element.getAttribute("class");
              String name = ink.cssName() + "-" + attribute;
              element.setAttribute("class", before.isEmpty() ? name : before + " " + name);
            });
  }

  private static String serialised(Element root) {
    try {
      Transformer transformer = TransformerFactory.newDefaultInstance().newTransformer();
      transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
      StringWriter text = new StringWriter();
      transformer.transform(new DOMSource(root), new StreamResult(text));
      return text.toString();
    } catch (TransformerException e) {
      throw new IllegalStateException("a drawing in memory is always written", e);
    }
  }

  private static final class PrefixedIds extends SVGIDGenerator {
    private final String name;
    private int next;

    PrefixedIds(String name) {
      this.name = name;
    }

    @Override
    public String generateID(String prefix) {
      return name + "-" + prefix + next++;
    }
  }
}

package io.tracemill.engine.text.jinja;

import java.util.List;

/**
 * What {@code dict.keys()}, {@code values()} and {@code items()} return: sized and walkable, not
 * indexable.
 */
record DictView(String kind, List<Object> items) {}

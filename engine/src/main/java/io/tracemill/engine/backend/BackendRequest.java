package io.tracemill.engine.backend;

import io.tracemill.engine.model.ModelConfig;
import io.tracemill.engine.weights.ModelWeights;

/**
 * What a backend is opened with.
 *
 * @param config the network
 * @param weights its tensors; the caller keeps them open until {@link BackendProvider#open}
 *     returns, or, where the backend's {@link BackendInfo#readsWeightsInPlace} is true, until the
 *     backend is closed
 * @param options sizes
 */
public record BackendRequest(ModelConfig config, ModelWeights weights, BackendOptions options) {}

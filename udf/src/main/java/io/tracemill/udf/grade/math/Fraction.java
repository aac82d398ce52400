package io.tracemill.udf.grade.math;

import cc.redberry.rings.bigint.BigInteger;
import cc.redberry.rings.poly.multivar.MultivariatePolynomial;

/** A fraction of two polynomials over Q, not reduced: the denominator is never zero. */
record Fraction(
    MultivariatePolynomial<cc.redberry.rings.Rational<BigInteger>> numerator,
    MultivariatePolynomial<cc.redberry.rings.Rational<BigInteger>> denominator) {}

// Exact counts out of a report's curve.

/** The points of one result: rates and counts at falling thresholds. */
export function curvePoints(result, index) {
  const { curve, genuine, impostor } = result.verification;
  return curve.threshold.map((threshold, i) => ({
    result: index,
    label: result.label,
    threshold,
    falseAccepts: curve.false_accepts[i],
    trueAccepts: curve.true_accepts[i],
    fmr: impostor > 0 ? curve.false_accepts[i] / impostor : 0,
    tar: genuine > 0 ? curve.true_accepts[i] / genuine : 0,
  }));
}

/**
 * The counts when accepting from `threshold` on: those of the lowest threshold of the curve that is
 * not below it. Between two points of a thinned curve the stricter one answers, and is named.
 */
export function countsAt(points, threshold) {
  let low = 0; // points[0, low) have thresholds >= threshold
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle].threshold >= threshold) low = middle + 1;
    else high = middle;
  }
  if (low === 0) return { threshold, falseAccepts: 0, trueAccepts: 0, fmr: 0, tar: 0 };
  return points[low - 1];
}

// Where the lines and points of the small plots go. Pure: numbers in, coordinates out.

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** Maps `from…to` onto `start…end`; what has no extent lies in the middle. */
export function scale(from, to, start, end) {
  const extent = to - from;
  return (value) => (extent ? start + ((value - from) / extent) * (end - start) : (start + end) / 2);
}

/**
 * The loss after each epoch, of the stories learned from and of those kept for the exam.
 * `frame` is `{left, right, top, bottom}`. Null when fewer than two epochs were measured.
 */
export function lossPlot(epochs, frame) {
  const points = (key) => epochs.filter((each) => isNumber(each[key])).map((each) => ({ epoch: each.epoch, value: each[key] }));
  const [train, exam] = [points("train_loss"), points("held_out_loss")];
  if (exam.length < 2) return null;
  const values = [...train, ...exam].map(({ value }) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = scale(epochs[0].epoch, epochs.at(-1).epoch, frame.left, frame.right);
  const y = scale(low, high, frame.bottom, frame.top);
  const place = ({ epoch, value }) => ({ x: x(epoch), y: y(value), epoch, value });
  const best = exam.reduce((least, each) => (each.value < least.value ? each : least));
  return {
    train: train.map(place),
    exam: exam.map(place),
    best: place(best),
    epochs: epochs.map(({ epoch }) => ({ x: x(epoch), epoch })),
    bounds: [
      { y: y(high), value: high },
      { y: y(low), value: low },
    ],
  };
}

/**
 * How much less or more the exam surprises a version than its rival, in percent, with the interval.
 * Null when it was not measured. The axis always holds the rival itself, at 0.
 */
export function intervalPlot(found, { left, right }) {
  if (![found?.ratio, found?.low, found?.high].every(isNumber)) return null;
  const percent = (ratio) => 100 * (ratio - 1);
  const [at, low, high] = [found.ratio, found.low, found.high].map(percent);
  const [from, to] = [Math.min(low, 0), Math.max(high, 0)];
  const room = 0.12 * (to - from) || 1;
  const x = scale(from - room, to + room, left, right);
  return { at: x(at), low: x(low), high: x(high), rival: x(0) };
}

/** Points as the `points` of a polyline. */
export const path = (points) => points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");

// The time that passes, for whatever is given a clock.

export const clock = { now: () => performance.now(), set: (act, milliseconds) => setTimeout(act, milliseconds), clear: (timer) => clearTimeout(timer) };

/** Requests of one hour, and how many of them were refused. */
export interface Hour {
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly requests: number;
  readonly refused: number;
}

/** Shares from 0 to 1. */
export type Interval = readonly [low: number, high: number];

const hourMs = 3_600_000;
const draws = 1000;
const level = 0.95;
const fewestHours = 3;

/** The hours from the first request's to the end of the window, those without requests among them. */
export function hoursOf(requests: readonly { readonly start: number }[], refused: readonly boolean[], until: number): readonly Hour[] {
  const first = requests[0];
  if (first === undefined) return [];
  const start = Math.floor(first.start / hourMs) * hourMs;
  const hours = Array.from({ length: Math.max(1, Math.ceil((until - start) / hourMs)) }, (_, index) => ({
    start: start + index * hourMs,
    requests: 0,
    refused: 0,
  }));
  for (const [index, request] of requests.entries()) {
    const hour = hours[Math.floor((request.start - start) / hourMs)];
    if (hour === undefined) continue;
    hour.requests += 1;
    if (refused[index] === true) hour.refused += 1;
  }
  return hours;
}

export const shareOf = (hours: readonly Hour[]): number => {
  const requests = hours.reduce((sum, hour) => sum + hour.requests, 0);
  return requests === 0 ? 0 : hours.reduce((sum, hour) => sum + hour.refused, 0) / requests;
};

/** Five equally likely places of a normal distribution; the middle one is the limit itself. */
const places = [-1.4, -0.53, 0, 0.53, 1.4] as const;

/**
 * By how much another hour like one of so many may be busier or calmer, as factors on the limits that it is replayed through; 1 among them. The width is that of a
 * kernel over so many hours (Silverman's n to the power of -1/5), for loads that differ by half.
 */
export const limitFactors = (hours: number): readonly number[] => places.map((place) => Math.exp(-place * 0.4 * hours ** -0.2));

/**
 * Where the share of another window of this length and traffic lies in 95 of 100 cases: hours are drawn with replacement, and from those once more, since the hours
 * that are known are themselves a draw. `scaled` are the same hours under limits by `limitFactors`: the upper end comes from all of them, so that hours which
 * only just passed count too. A few hours say less of each other than many: the ends are moved out by Student's t. Holds the share that was found.
 * Null under three hours with requests. Always the same for the same hours.
 */
export function intervalOf(hours: readonly Hour[], scaled: readonly (readonly Hour[])[]): Interval | null {
  if (hours.filter(({ requests }) => requests > 0).length < fewestHours) return null;
  const random = seededRandom(hours.length);
  const drawOf = (count: number): number => Math.floor(random() * count);
  const plain: number[] = [];
  const smoothed: number[] = [];
  for (let draw = 0; draw < draws; draw++) {
    const first = hours.map(() => ({ hour: drawOf(hours.length), scale: drawOf(scaled.length) }));
    const second = hours.flatMap(() => first[drawOf(first.length)] ?? []);
    plain.push(shareOf(second.flatMap(({ hour }) => hours[hour] ?? [])));
    smoothed.push(shareOf(second.flatMap(({ hour, scale }) => scaled[scale]?.[hour] ?? [])));
  }
  const share = shareOf(hours);
  const spread = spreadOfFew(hours.length);
  const below = Math.max(0, share - quantile(plain, (1 - level) / 2));
  const above = Math.max(0, quantile(smoothed, (1 + level) / 2) - share);
  return [Math.max(0, share - spread * below), Math.min(1, share + spread * above)];
}

const quantile = (numbers: readonly number[], part: number): number =>
  numbers.toSorted((a, b) => a - b)[Math.round(part * (numbers.length - 1))] ?? 0;

/** Around all of them. */
export const around = (intervals: readonly Interval[]): Interval => [
  Math.min(...intervals.map(([low]) => low)),
  Math.max(...intervals.map(([, high]) => high)),
];

/** How much wider 95 % are by Student's t than by the normal distribution (up to 7 % too wide), and that drawing from n makes the variance smaller by (n - 1) / n. */
function spreadOfFew(count: number): number {
  const freedom = count - 1;
  const t = 1.96 + 2.4 / freedom + 3.2 / freedom ** 2 + 5.1 / freedom ** 3;
  return (t / 1.96) * Math.sqrt(count / freedom);
}

/** A xorshift generator of 32 bits (Marsaglia 2003): numbers from 0 to below 1. */
function seededRandom(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

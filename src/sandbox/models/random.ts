import { seededRandom } from "../gateway/instances.ts";

/** A 32-bit hash of a text (FNV-1a, then mixed), the same everywhere; other seeds give other hashes. */
export function hashText(text: string, seed = 0): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Identifiers as the service's: hexadecimal, one after the other the same in every run. */
export function identifiers(seed: number): (digits: number) => string {
  const random = seededRandom(seed);
  return (digits) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
}

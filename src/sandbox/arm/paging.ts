import { armError } from "./errors.ts";

/** A page of a list, and the token of the next one; null on the last. */
interface TokenPage<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** The page that a token leads to, the first without one; a token that none of ours is throws 400. */
export function pageAt<T>(list: readonly T[], token: string | null, size: number): TokenPage<T> {
  const start = token === null ? 0 : startIn(token);
  const end = start + size;
  return { items: list.slice(start, end), next: end < list.length ? tokenOf(end) : null };
}

const tokenOf = (start: number): string => Buffer.from(`from ${start}`).toString("base64url");

function startIn(token: string): number {
  const start = /^from (\d+)$/.exec(Buffer.from(token, "base64url").toString())?.[1];
  if (start === undefined) throw armError(400, "InvalidSkipToken", "The skip token is none that the sandbox has given.");
  return Number(start);
}

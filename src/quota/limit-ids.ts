import { GatewayError } from "../errors.ts";
import type { Limit } from "./limit.ts";
import { countInDocument } from "./written-limits.ts";

interface IdParts {
  /** Document and kind. */
  readonly place: string;
  readonly count: number;
  readonly mark: string | null;
  /** The deployment or API for which it comes to a number of its own. */
  readonly variant: string | null;
}

/** Null for what is no limit's id. */
function partsOf(id: string): IdParts | null {
  const [, place, count, mark, variant] = /^([^#]*#\w+)\/(\d+)(?:\.([0-9a-z]+))?(?:@(.*))?$/s.exec(id) ?? [];
  return place === undefined ? null : { place: place.toLowerCase(), count: Number(count), mark: mark ?? null, variant: variant ?? null };
}

/**
 * The limit that a name means, which may be from before an edit: that with the name, else the only one of its document and kind with the same
 * mark. Without a mark it is taken where the document has one limit of the kind.
 * Throws `invalid_input` with those that may be meant.
 */
export function resolveLimitId(limits: readonly Limit[], id: string): Limit {
  const exact = limits.find(({ limitId }) => limitId === id);
  if (exact !== undefined) return exact;
  const asked = partsOf(id.trim());
  const near = asked === null ? [] : limits.filter(({ limitId }) => partsOf(limitId)?.place === asked.place);
  const [only, ...others] = near.filter((limit) => asked !== null && isMeant(asked, limit));
  if (only !== undefined && others.length === 0) return only;
  throw notTheLimit(id, asked, near.length > 0 ? near : limits);
}

function isMeant(asked: IdParts, limit: Limit): boolean {
  const own = partsOf(limit.limitId);
  if (own === null || own.variant !== asked.variant) return false;
  return asked.mark === null ? own.count === asked.count && countInDocument(limit.element, limit.kind) === 1 : own.mark === asked.mark;
}

function notTheLimit(id: string, asked: IdParts | null, candidates: readonly Limit[]): GatewayError {
  const why =
    asked === null || asked.mark !== null
      ? `The team has no limit '${id}'${asked === null ? "" : ": its document has changed, or it is another team's"}.`
      : `'${id}' does not say which limit is meant.`;
  return new GatewayError("invalid_input", why, {
    hint: candidates.length === 0 ? "The team has no limits." : "Name one of these, as list_subscriptions shows them.",
    details: candidates.map(({ limitId }) => limitId),
  });
}

import type { cacheQuery } from "./queries/cache.ts";
import type { LogsRow } from "./queries/query.ts";
import type { CacheUse, Known } from "./totals.ts";

type CacheValues = LogsRow<ReturnType<typeof cacheQuery>["measures"]>["values"];

/** How often the cache has answered, by each sign of it, and what that saved. */
export function cacheUse(values: CacheValues | undefined): CacheUse {
  const count = (name: keyof CacheValues): number => values?.[name] ?? 0;
  return {
    estimators: {
      "column Cache": estimator(count("ColumnHits"), count("ColumnMisses")),
      "no backend call": estimator(count("Hits"), count("Misses")),
      "trace semantic-cache": estimator(count("TraceHits"), count("TraceMisses")),
    },
    ...tokensSaved({
      hits: count("Hits"),
      misses: count("Misses"),
      hitTokens: count("HitTokens"),
      saved: count("Saved"),
      estimated: count("Estimated"),
    }),
  };
}

/** The same where nothing but answers without and with a call to a backend is known. */
export const cacheUseOf = ({ hits, misses }: { readonly hits: number; readonly misses: number }): CacheUse => ({
  estimators: { "no backend call": estimator(hits, misses) },
  ...tokensSaved({ hits, misses, hitTokens: 0, saved: 0, estimated: 0 }),
});

/** Hits without a single miss are no rate: where the column is not set on misses it would always be 100 %. */
function estimator(hits: number, misses: number): { readonly hits: number; readonly misses: number; readonly hit_rate: Known } {
  const rate: Known = misses === 0 ? "unknown" : Math.round((1000 * hits) / (hits + misses)) / 10;
  return { hits, misses, hit_rate: rate };
}

interface Saving {
  readonly hits: number;
  readonly misses: number;
  readonly hitTokens: number;
  /** Of so many hits, by the calls that they are like. */
  readonly saved: number;
  readonly estimated: number;
}

function tokensSaved({ hits, misses, hitTokens, saved, estimated }: Saving): Pick<CacheUse, "tokens_saved" | "method"> {
  if (hits === 0 && misses === 0) return { tokens_saved: 0, method: "no call succeeded" };
  if (hits === 0) return { tokens_saved: 0, method: "every successful call went to a backend" };
  if (hitTokens > 0) return { tokens_saved: hitTokens, method: "tokens logged on calls without a backend" };
  if (estimated === 0) {
    return {
      tokens_saved: "unknown",
      method: "no call of the same team and API went to a backend in the same hour with its tokens logged",
    };
  }
  const of = estimated < hits ? ` of ${estimated} of ${hits} hits, the others unknown` : "";
  return {
    tokens_saved: Math.round(saved),
    method: `estimate${of}: mean tokens of the same team's and API's calls to a backend in the same hour, for each hit`,
  };
}
